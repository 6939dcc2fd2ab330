"""The files of a cluster's storage, as its nodes see them: the contract, and the case that needs nothing.

Where portal and nodes share a directory at the same path, a file that is written is there. Where they do not,
the directory exists on both at the same path, and files are carried over before a job and after it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What is carried over of a directory; the rest is left where it is."""

    bytes: int
    """Of all files together. One that would exceed it is cut, so that whoever counts sees that it is too much."""
    entries: int
    """Files and directories; one more than that is carried over, for the same reason."""
    leave: frozenset[str] = frozenset()
    """Names at the top that are not looked at."""
    last: str = ""
    """The name that appears when nothing changes any more: once it was fetched, nothing is fetched again."""


class Files(Protocol):
    """Carries files between here and the nodes. Every call can be repeated.

    All of them raise ``UnreachableError`` where the cluster does not answer; then nothing is known of what was
    done, and doing it again is safe. Paths are the same on both sides.
    """

    is_shared: bool
    """Whether what is written on one side is at once on the other, so that nothing has to be carried."""

    def put(self, path: Path) -> None:
        """Return when the file or directory at ``path`` is there as well, with its content.

        What is there already, of the same size and age, is not sent again.
        """

    def get(self, directory: Path, limits: FetchLimits) -> None:
        """Bring what is in ``directory`` there to here.

        Only files and directories: anything else becomes a link that leads nowhere, for whoever judges.
        """

    def make_once(self, directory: Path, mode: int) -> int | None:
        """Make a directory in one step; return None, or the mode of the one that is there already."""

    def keep(self, made: Path, final: Path) -> int:
        """Move a file that a job has made to its place, read-only; return its size in bytes.

        Where it has been moved before, nothing is done.
        """

    def remove(self, paths: Sequence[Path]) -> bool:
        """Remove files and directories there; return whether nothing of them is left."""


class SharedFiles:
    """Portal and nodes see the same directory: nothing has to be carried."""

    is_shared = True

    def put(self, path: Path) -> None:
        """Do nothing: it is there."""

    def get(self, directory: Path, limits: FetchLimits) -> None:
        """Do nothing: it is here."""

    def make_once(self, directory: Path, mode: int) -> int | None:
        """Make the directory."""
        try:
            directory.mkdir(mode=mode)
        except FileExistsError:
            return directory.lstat().st_mode
        return None

    def keep(self, made: Path, final: Path) -> int:
        """Move the file, and make the move last through a power cut."""
        if made.exists():
            made.chmod(0o440)
            made.replace(final)
            handle = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return final.stat().st_size

    def remove(self, paths: Sequence[Path]) -> bool:
        """Do nothing: what is removed here is removed there."""
        del paths
        return True
