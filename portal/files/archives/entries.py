"""What an archive says that it holds, before anything of it is believed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class EntryKind(StrEnum):
    """What a member of an archive is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARD_LINK = "hard link"
    DEVICE = "device"
    PIPE = "pipe"
    OTHER = "special entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member as the archive describes it."""

    name: str
    kind: EntryKind
    executable: bool
    size: int
    """Bytes that the archive announces; count what comes instead of relying on it."""
    target: str
    """Where a link leads; empty for everything else."""
    chunks: Callable[[], Iterator[bytes]]
    """Gives the content piece by piece: once, and only until the next entry is asked for."""
