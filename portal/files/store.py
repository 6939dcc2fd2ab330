"""Keeps uploads by their content: a file's name is its SHA-256.

Below the root lie ``incoming/`` with what is still being written, and ``ab/abcdef...`` with what is
complete. A file appears under its final name whole and on disk, or not at all, so a process may be
killed at any instruction. Where the group may write to the root, it may add files.

* StoreError
  + TooLargeError      more bytes came than were allowed
  + StorageFullError   there is no room on the disk, or the account's share of it is used up
  + DamagedFileError  a stored file is not what its name says
"""

import errno
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from portal.domain.untrusted import FileName
from portal.files.atomic import new_file
from portal.files.places import (
    NotPlainError,
    facts_of,
    make_directory,
    names_in,
    opened_directory,
    opened_file,
    opened_root,
)
from portal.files.progress import advance

INCOMING, LEAVING = FileName("incoming"), FileName("leaving")

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1024 * 1024
_BUFFER = 64 * 1024
"""What is longer is written as it is, without a copy."""
_FLUSH = 32 * 1024 * 1024
"""After so many bytes the disk begins to write them, so that ``commit`` need not wait for all."""


class StoreError(Exception):
    """A file cannot be stored or is not usable."""


class TooLargeError(StoreError):
    """More bytes came than were allowed; nothing of them is kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"more than {limit} bytes")


class StorageFullError(StoreError):
    """There is no room for a file; nothing of it is kept. Staff has to make some."""


class DamagedFileError(StoreError):
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
        self._name = FileName(f"part-{secrets.token_hex(16)}")
        with _room_needed(), store.opened(INCOMING) as folder:
            descriptor = os.open(self._name, _NEW, 0o600, dir_fd=folder)
        self._stream = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        self._flushed = 0
        self.size = 0
        """Bytes written so far."""

    @property
    def sha256(self) -> str:
        """Return the digest of what was written so far."""
        return self._hash.hexdigest()

    def write(self, *pieces: bytes | memoryview) -> None:
        """Append ``pieces``; raise ``TooLargeError`` when the limit is passed, or ``StorageFullError``: then nothing is kept."""
        self.size += sum(map(len, pieces))
        if self._limit is not None and self.size > self._limit:
            self.abort()
            raise TooLargeError(self._limit)
        with self._kept_whole():
            for piece in pieces:
                self._hash.update(piece)
                self._stream.write(piece)
            if self.size - self._flushed >= _FLUSH:
                self._begin_to_sync()

    def _begin_to_sync(self) -> None:
        """Let the disk begin to write what came since the last call; return without waiting for it."""
        # Advice that pages are not needed starts to write those that are not on the disk, and keeps them.
        length = self.size - self._flushed
        os.posix_fadvise(self._stream.fileno(), self._flushed, length, os.POSIX_FADV_DONTNEED)
        self._flushed = self.size

    def written(self) -> Path:
        """Return where all that was written so far can be read. Raises ``StorageFullError``, and then nothing is kept."""
        with self._kept_whole():
            self._stream.flush()
        return self._store.incoming_directory / self._name

    def commit(self) -> Stored:
        """Put the file under its final name and return it. When this returns, it is on disk.

        Raises ``StorageFullError``, and then nothing is kept.
        """
        with self._kept_whole():
            self._stream.flush()
            os.fchmod(self._stream.fileno(), 0o440)  # the cluster's account reads through the group
            os.fsync(self._stream.fileno())
            self._stream.close()
            stored = Stored(sha256=self._hash.hexdigest(), size=self.size)
            with self._store.opened(INCOMING) as folder:
                self._store._place(self._name, stored, folder)  # noqa: SLF001 - one thing in two classes
        return stored

    def abort(self) -> None:
        """Drop what was written; without effect after ``commit``."""
        # The name first: to close writes what is left in memory, which fails on a full disk.
        with self._store.opened(INCOMING) as folder, suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=folder)
        with suppress(OSError):
            self._stream.close()

    @contextmanager
    def _kept_whole(self) -> Iterator[None]:
        """Drop what was written where there is no room for the rest."""
        try:
            with _room_needed():
                yield
        except StorageFullError:
            self.abort()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


class Store:
    """Files by digest in one directory. Any number of processes may use it at the same time.

    Other accounts may write to it. So no link in it is followed, and what is used is copied out of it first.
    """

    def __init__(self, root: Path, *, for_group: bool = False) -> None:
        """Open the store in ``root``. Where it has to be made, ``for_group`` opens it to its group."""
        self._root = root
        self.incoming_directory = root / INCOMING
        with suppress(FileExistsError):
            root.mkdir(mode=0o750, parents=True)
            root.chmod(0o2770 if for_group else 0o750)
        with opened_root(root) as descriptor:
            # Both now: on a full disk there would be no room for the second when something is to be removed.
            for name in (INCOMING, LEAVING):
                make_directory(descriptor, name, _mode_inside(descriptor))

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
        self._place(str(file), stored, None)
        return stored

    def path(self, sha256: str) -> Path:
        """Return where the file is, or would be; raise ``ValueError`` for what is no digest.

        To say where, not to open: whoever may write to the store can put a link there.
        """
        digest = _digest_name(sha256)
        return self._root / digest[:2] / digest

    @contextmanager
    def opened(self, name: FileName) -> Iterator[int]:
        """Open a directory of the store. Raises ``FileNotFoundError``, and ``DamagedFileError`` for anything else."""
        with (
            opened_root(self._root) as root,
            _plain(self._root),
            opened_directory(root, name) as folder,
        ):
            yield folder

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """Open a stored file for reading.

        Raises ``FileNotFoundError`` if it is not here, and ``DamagedFileError`` for what is no plain file.
        """
        digest = _digest_name(sha256)
        with (
            self.opened(FileName(digest[:2])) as folder,
            _plain(self._root),
            opened_file(folder, digest) as descriptor,
            os.fdopen(os.dup(descriptor), "rb") as stream,
        ):
            yield stream

    def verify(self, sha256: str) -> Stored:
        """Read a stored file in full; raise ``DamagedFileError`` if it is not what its name says."""
        with self.open(sha256) as stream:
            if _digest(stream) != sha256:
                raise self._not_its_name(sha256)
            return Stored(sha256=sha256, size=stream.tell())

    def copy(self, sha256: str, target: Path) -> Stored:
        """Copy a stored file out of reach of whoever can write to the store, and check it on the way.

        ``target`` appears whole, and as what its digest says; its directory has to be the caller's alone.
        Raises ``FileNotFoundError`` and ``DamagedFileError``.
        """
        with self.open(sha256) as stream, new_file(target, mode=0o440) as copy:
            announced, digest = os.fstat(stream.fileno()).st_size, hashlib.sha256()
            while (chunk := stream.read(_CHUNK)) and copy.tell() <= announced:
                advance(len(chunk))
                digest.update(chunk)
                copy.write(chunk)
            if digest.hexdigest() != sha256:
                raise self._not_its_name(sha256)
            return Stored(sha256=sha256, size=copy.tell())

    def _not_its_name(self, sha256: str) -> DamagedFileError:
        return DamagedFileError(f"{self.path(sha256)} does not have the digest of its name")

    def sweep(self, older_than: timedelta, now: datetime) -> int:
        """Remove what killed processes left half written; return how many files.

        Only files to which nothing was written for ``older_than`` go, so that a slow upload stays.
        """
        oldest = (now - older_than).timestamp()
        with self.opened(INCOMING) as folder:
            return sum(_removed_if_old(folder, name, oldest) for name in names_in(folder))

    def remove(self, sha256: str, *, unused_for: timedelta) -> bool:
        """Remove a file; False, and it stays, if the same bytes came within ``unused_for``.

        Being gone already is as good. It is put aside first and looked at there: an upload of the
        same bytes either took its place before, and is seen, or comes after and stays. Raises ``DamagedFileError``
        where links stand in place of directories.
        """
        name = _digest_name(sha256)
        try:
            with (
                self.opened(FileName(name[:2])) as folder,
                self._made(LEAVING) as aside,
            ):
                return _remove(name, folder, aside, unused_for)
        except FileNotFoundError:
            return True

    def unknown_to(
        self, known: Callable[[list[str]], set[str]], *, prefix: str, older_than: timedelta
    ) -> list[Stored]:
        """List files whose name begins with ``prefix``, two hex digits, and that nobody knows.

        ``known`` is asked which of the digests somebody does. What is no plain file is passed over.
        """
        latest = time.time() - older_than.total_seconds()
        try:
            with self.opened(FileName(prefix)) as folder:
                found = {name: facts_of(folder, name) for name in names_in(folder)}
        except (FileNotFoundError, DamagedFileError):
            return []
        old = {
            name: facts.st_size
            for name, facts in found.items()
            if facts is not None
            and _DIGEST.fullmatch(name)
            and name.startswith(prefix)
            and stat.S_ISREG(facts.st_mode)
            and facts.st_mtime <= latest
        }
        strange = set(old) - known(list(old)) if old else set()
        return [Stored(sha256=name, size=old[name]) for name in sorted(strange)]

    @contextmanager
    def _made(self, name: FileName) -> Iterator[int]:
        """Open a directory that is as open to the group as the root; make it where it is missing."""
        with opened_root(self._root) as root, _plain(self._root):
            make_directory(root, name, _mode_inside(root))
            with opened_directory(root, name) as folder:
                yield folder

    def _place(self, file: str, stored: Stored, folder: int | None) -> None:
        name = FileName(stored.sha256)
        with self._made(FileName(name[:2])) as final:
            there = facts_of(final, name)
            if there is not None and (
                not stat.S_ISREG(there.st_mode) or there.st_size != stored.size
            ):
                raise DamagedFileError(f"{self.path(name)} does not have the size of its content")
            # Also over the same bytes: their file is as new as this upload then, and is not removed.
            os.rename(file, name, src_dir_fd=folder, dst_dir_fd=final)
            # Also when it was there: the one who renamed it may have been killed before this.
            os.fsync(final)
        with opened_root(self._root) as root:
            os.fsync(root)


@contextmanager
def _room_needed() -> Iterator[None]:
    """Say of a full disk, or a used up quota, that the store is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StorageFullError(f"no room: {error.strerror}") from error


@contextmanager
def _plain(root: Path) -> Iterator[None]:
    """Say of what is no plain file or directory that the store is damaged."""
    try:
        yield
    except NotPlainError as problem:
        raise DamagedFileError(f"{root}: {problem}") from problem


def _mode_inside(root: int) -> int:
    """Return the mode of directories inside: web and worker can be two accounts of one group."""
    mode = os.fstat(root).st_mode
    return stat.S_IMODE(mode) if mode & stat.S_IWGRP else 0o750


def _removed_if_old(folder: int, name: FileName, oldest: float) -> bool:
    facts = facts_of(folder, name)  # None: its writer was alive and has finished meanwhile
    if facts is None or facts.st_mtime >= oldest or stat.S_ISDIR(facts.st_mode):
        return False
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    return True


def _remove(name: FileName, folder: int, aside: int, unused_for: timedelta) -> bool:
    leaving = facts_of(aside, name)
    if leaving is None:
        os.rename(name, name, src_dir_fd=folder, dst_dir_fd=aside)
        leaving = facts_of(aside, name)
    if leaving is not None and time.time() - leaving.st_mtime < unused_for.total_seconds():
        if facts_of(folder, name) is not None:
            os.unlink(name, dir_fd=aside)
        else:
            os.rename(name, name, src_dir_fd=aside, dst_dir_fd=folder)
        return False
    os.unlink(name, dir_fd=aside)
    os.fsync(aside)
    return True


def _digest_name(sha256: str) -> FileName:
    if not _DIGEST.fullmatch(sha256):
        raise ValueError("not the hex digits of a SHA-256")
    return FileName(sha256)


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
