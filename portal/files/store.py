"""Keeps uploads by their content: a file's name is its SHA-256.

Below the root lie ``incoming/`` with what is still being written, and ``ab/abcdef...`` with what is
complete. A file appears under its final name whole and on disk, or not at all, so a process may be
killed at any instruction. Where the group may write to the root, it may add files.

* StoreError
  + TooLarge     more bytes came than were allowed
  + Damaged      a stored file is not what its name says
"""

import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1024 * 1024


class StoreError(Exception):
    """A file cannot be stored or is not usable."""


class TooLarge(StoreError):  # noqa: N818 - named for what happened
    """More bytes came than were allowed; nothing of them is kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"more than {limit} bytes")


class Damaged(StoreError):  # noqa: N818 - named for what happened
    """A stored file is not what its name says: staff has to look at the storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A complete file in the store."""

    sha256: str
    size: int
    """Bytes."""


class Incoming(AbstractContextManager["Incoming"]):
    """A file that is being written. Leaving the ``with`` block without ``commit`` drops it."""

    def __init__(self, store: "Store", limit: int | None) -> None:
        self._store = store
        self._limit = limit
        self._hash = hashlib.sha256()
        descriptor, name = tempfile.mkstemp(dir=store.incoming_directory)
        self._path = Path(name)
        self._stream = os.fdopen(descriptor, "wb", buffering=_CHUNK)
        self.size = 0
        """Bytes written so far."""

    def write(self, data: bytes) -> None:
        """Append ``data``; raise ``TooLarge``, keeping nothing, when the limit is passed."""
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            self.abort()
            raise TooLarge(self._limit)
        self._hash.update(data)
        self._stream.write(data)

    def commit(self) -> Stored:
        """Put the file under its final name and return it. When this returns, it is on disk."""
        self._stream.flush()
        os.fchmod(self._stream.fileno(), 0o440)  # the cluster's account reads through the group
        os.fsync(self._stream.fileno())
        self._stream.close()
        stored = Stored(sha256=self._hash.hexdigest(), size=self.size)
        self._store._place(self._path, stored)  # noqa: SLF001 - one thing in two classes
        return stored

    def abort(self) -> None:
        """Drop what was written; without effect after ``commit``."""
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


class Store:
    """Files by digest in one directory. Any number of processes may use it at the same time."""

    def __init__(self, root: Path, *, for_group: bool = False) -> None:
        """Open the store in ``root``. Where it has to be made, ``for_group`` opens it to its group."""
        self._root = root
        self.incoming_directory = root / "incoming"
        with suppress(FileExistsError):
            root.mkdir(mode=0o750, parents=True)
            root.chmod(0o2770 if for_group else 0o750)
        self._make(self.incoming_directory)

    @property
    def root(self) -> Path:
        """The directory that holds everything."""
        return self._root

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and other.root == self._root

    def __hash__(self) -> int:
        return hash(self._root)

    def incoming(self, limit: int | None = None) -> Incoming:
        """Begin a new file of at most ``limit`` bytes."""
        return Incoming(self, limit)

    def add(self, file: Path, limit: int | None = None) -> Stored:
        """Copy a file into the store and leave it where it is."""
        with file.open("rb") as stream, self.incoming(limit) as incoming:
            while chunk := stream.read(_CHUNK):
                incoming.write(chunk)
            return incoming.commit()

    def adopt(self, file: Path) -> Stored:
        """Move a finished file of the same file system into the store; read it once to hash it.

        For uploads that arrive in pieces over days, whose hash cannot be kept in memory.
        """
        with file.open("rb") as stream:
            stored = Stored(sha256=_digest(stream), size=stream.tell())
            os.fchmod(stream.fileno(), 0o440)
            os.fsync(stream.fileno())
        self._place(file, stored)
        return stored

    def path(self, sha256: str) -> Path:
        """Return where the file is, or would be; raise ``ValueError`` for what is no digest."""
        if not _DIGEST.fullmatch(sha256):
            raise ValueError("not the hex digits of a SHA-256")
        return self._root / sha256[:2] / sha256

    def open(self, sha256: str) -> BinaryIO:
        """Open a stored file for reading; raise ``FileNotFoundError`` if it is not here."""
        return self.path(sha256).open("rb")

    def verify(self, sha256: str) -> Stored:
        """Read a stored file in full; raise ``Damaged`` if it is not what its name says."""
        with self.open(sha256) as stream:
            if _digest(stream) != sha256:
                raise Damaged(f"{self.path(sha256)} does not have the digest of its name")
            return Stored(sha256=sha256, size=stream.tell())

    def sweep(self, older_than: timedelta, now: datetime) -> int:
        """Remove what killed processes left half written; return how many files.

        Only files to which nothing was written for ``older_than`` go, so that a slow upload stays.
        """
        oldest = (now - older_than).timestamp()
        removed = 0
        for file in self.incoming_directory.iterdir():
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink()
                    removed += 1
            except FileNotFoundError:  # its writer was alive and has finished meanwhile
                continue
        return removed

    def remove(self, sha256: str, *, unused_for: timedelta) -> bool:
        """Remove a file; False, and it stays, if the same bytes came within ``unused_for``.

        Being gone already is as good. It is put aside first and looked at there: an upload of the
        same bytes either took its place before, and is seen, or comes after and stays.
        """
        final = self.path(sha256)
        aside = self._root / "leaving" / sha256
        self._make(aside.parent)
        if not aside.exists():
            try:
                final.rename(aside)
            except FileNotFoundError:
                return True
        if time.time() - aside.stat().st_mtime < unused_for.total_seconds():
            if final.exists():
                aside.unlink()
            else:
                aside.rename(final)
            return False
        aside.unlink()
        _sync_directory(aside.parent)
        return True

    def unknown_to(
        self, known: Callable[[list[str]], set[str]], *, prefix: str, older_than: timedelta
    ) -> list[Stored]:
        """List files whose name begins with ``prefix``, two hex digits, and that nobody knows.

        ``known`` is asked which of the digests somebody does.
        """
        directory = self._root / prefix
        latest = time.time() - older_than.total_seconds()
        try:
            found = {entry.name: entry.stat() for entry in os.scandir(directory)}
        except FileNotFoundError:
            return []
        old = [name for name, facts in found.items() if facts.st_mtime <= latest]
        return [
            Stored(sha256=name, size=found[name].st_size) for name in sorted(set(old) - known(old))
        ]

    def _make(self, directory: Path) -> None:
        """Make a directory as open to the group as the root: web and worker can be two accounts."""
        with suppress(FileExistsError):
            directory.mkdir(mode=0o750)
            mode = self._root.stat().st_mode
            if mode & stat.S_IWGRP:
                directory.chmod(stat.S_IMODE(mode))

    def _place(self, file: Path, stored: Stored) -> None:
        final = self.path(stored.sha256)
        self._make(final.parent)
        if final.exists() and final.stat().st_size != stored.size:
            raise Damaged(f"{final} does not have the size of its content")
        # Also over the same bytes: their file is as new as this upload then, and is not removed.
        file.rename(final)
        # Also when it was there: the one who renamed it may have been killed before this.
        _sync_directory(final.parent)
        _sync_directory(self._root)


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
