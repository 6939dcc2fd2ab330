"""Writes a tar whose bytes depend on names, contents and executable bits, and on nothing else."""

import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Protocol

_RECORD = tarfile.RECORDSIZE
_BLOCK = tarfile.BLOCKSIZE


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""


class TarWriter:
    """Members in the order in which they are added; every directory is written before its content."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._written = 0
        self._directories: set[PurePosixPath] = {PurePosixPath()}

    def directory(self, path: PurePosixPath) -> None:
        """Add a directory, once, after those that it lies in."""
        if path in self._directories:
            return
        self.directory(path.parent)
        self._directories.add(path)
        self._header(path, tarfile.DIRTYPE, 0o755, 0)

    def file(
        self, path: PurePosixPath, size: int, chunks: Iterable[bytes], *, executable: bool
    ) -> None:
        """Add a file of exactly ``size`` bytes; raise ``ValueError`` if it has another size."""
        self.directory(path.parent)
        self._header(path, tarfile.REGTYPE, 0o755 if executable else 0o644, size)
        start = self._written
        for chunk in chunks:
            self._write(chunk)
        if self._written - start != size:
            raise ValueError(f"{path} has {self._written - start} bytes instead of {size}")
        self._write(bytes(-size % _BLOCK))

    def finish(self) -> None:
        """Write the end of the archive."""
        self._write(bytes(2 * _BLOCK))
        self._write(bytes(-self._written % _RECORD))

    def _header(self, path: PurePosixPath, kind: bytes, mode: int, size: int) -> None:
        info = tarfile.TarInfo(str(path))
        info.type, info.mode, info.size = kind, mode, size
        self._write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._written += len(data)
