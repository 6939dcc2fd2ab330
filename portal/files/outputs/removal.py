"""Saying what a run left, before it is removed."""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.files.trees import OPEN_FILE, Bounds, Entry, TreeBoundError, opened, remove, walk

__all__ = ["Content", "content_of", "remove"]

_CHUNK = 1024 * 1024
_BEYOND = b"and what is deeper, longer or more than is read"


BOUNDS = Bounds()
"""What is read of a tree before it is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What lies in directories: one digest for all of it, and the bytes of its files."""

    sha256: str
    size: int


def content_of(paths: Sequence[Path], bounds: Bounds = BOUNDS) -> Content:
    """Return the digest over names, sizes and digests of all plain files below, and their size.

    What is no plain file, or cannot be read, counts by its name only: it is never followed or waited for. Of a
    tree that goes over the bounds what comes before counts, and that it does.
    """
    tally = _Tally()
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            if os.path.lexists(path):
                tally.file(path)
            continue
        try:
            for entry in walk(path, bounds, unlock=True):
                if not entry.is_directory:
                    tally.entry(path, entry)
        except TreeBoundError:
            tally.whole.update(_BEYOND)
        except OSError as error:
            # Nobody's directory: what it holds is not known, and stays where it is.
            tally.whole.update(b"not read: %d" % (error.errno or 0))
    return Content(sha256=tally.whole.hexdigest(), size=tally.size)


class _Tally:
    """Adds up what was found."""

    def __init__(self) -> None:
        self.whole = hashlib.sha256()
        self.size = 0

    def file(self, path: Path) -> None:
        self.add(os.fsencode(path.name), path.lstat(), lambda: _digest(str(path), None))

    def entry(self, top: Path, entry: Entry) -> None:
        name = os.fsencode(f"{top.name}/{entry.path}")
        self.add(name, entry.facts, lambda: _digest(entry.name, entry.parent))

    def add(self, name: bytes, facts: os.stat_result, digest_of: Callable[[], str]) -> None:
        digest = digest_of() if stat.S_ISREG(facts.st_mode) else ""
        self.size += facts.st_size if digest else 0
        self.whole.update(b"%b\0%d\0%b\n" % (name, facts.st_size, digest.encode() or b"-"))


def _digest(name: str, parent: int | None) -> str:
    """Return the digest of a file; empty where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with opened(name, OPEN_FILE, parent) as descriptor:
            while chunk := os.read(descriptor, _CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
