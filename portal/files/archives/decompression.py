"""Reads plain and compressed files in constant memory, however they were made.

The standard library's own readers trust the file in two ways that are closed here: xz may ask for
gigabytes of dictionary, and nothing bounds how much comes out of how little.
"""

import bz2
import gzip
import lzma
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from portal.files.archives.formats import Format
from portal.files.errors import BadArchiveError, damaged
from portal.files.progress import advance

CHUNK = 256 * 1024
"""Bytes that are read at a time."""

RATIO_LIMIT = 200
"""How many times its packed size an archive may have unpacked, once it is large."""

TRAILER_LIMIT = 1024 * 1024
"""Bytes that may follow the end of a tar: it fills its last record with zeros."""

_RATIO_FLOOR = 64 * 1024 * 1024  # below this no ratio is a danger
_XZ_MEMORY = 128 * 1024 * 1024  # xz -9 takes 65 MiB


class Source(Protocol):
    """Bytes in one direction."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, fewer only at the end; raise ``BadArchiveError`` if damaged."""

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes; raise ``BadArchiveError`` if there are fewer."""

    def finish(self) -> None:
        """Read what follows the archive's end, so that a checksum at the end is checked."""


@contextmanager
def open_source(file: Path, form: Format) -> Iterator[Source]:
    """Open a tar, compressed or not."""
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if form is Format.TAR:
            yield _Plain(stream, size)
        elif form is Format.GZIP:
            with gzip.GzipFile(fileobj=stream) as inner:
                yield _Compressed(inner, size)
        elif form is Format.BZIP2:
            with bz2.BZ2File(stream) as inner:
                yield _Compressed(inner, size)
        elif form is Format.XZ:
            yield _Compressed(_Xz(stream), size)
        else:
            raise ValueError(f"{form} holds no tar")


class Ratio:
    """Counts what came out of a packed file and stops a bomb."""

    def __init__(self, packed_size: int) -> None:
        self._limit = max(_RATIO_FLOOR, packed_size * RATIO_LIMIT)
        self._unpacked = 0

    def add(self, size: int) -> None:
        """Note ``size`` more bytes; raise ``BadArchiveError`` when they are too many."""
        advance(size)
        self._unpacked += size
        if self._unpacked > self._limit:
            raise BadArchiveError(
                "ratio",
                f"The archive unpacks to more than {RATIO_LIMIT} times its size. Leave out files"
                " that are mostly empty, or pack them without compression.",
            )


class _Plain:
    """A file without compression: parts of it can be passed over without reading them."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def skip(self, size: int) -> None:
        if self._stream.seek(size, os.SEEK_CUR) > self._size:
            raise damaged()

    def finish(self) -> None:
        return


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Unpacked(ABC):
    """The part of a ``Source`` that is the same wherever unpacked bytes come in pieces."""

    @abstractmethod
    def some(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, or none at the end; raise ``BadArchiveError`` if damaged."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, fewer only at the end; raise ``BadArchiveError`` if damaged."""
        pieces = []
        while size and (piece := self.some(min(size, CHUNK))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes; raise ``BadArchiveError`` if there are fewer."""
        while size:
            data = self.read(min(size, CHUNK))
            if not data:
                raise damaged()
            size -= len(data)


class _Compressed(Unpacked):
    """The inside of a compressed file."""

    def __init__(self, stream: _Readable, packed_size: int) -> None:
        self._stream = stream
        self._ratio = Ratio(packed_size)

    def some(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise damaged() from error
        except OSError as error:
            if error.errno is not None:  # the disk, not the archive
                raise
            raise damaged() from error
        self._ratio.add(len(data))
        return data

    def finish(self) -> None:
        left = TRAILER_LIMIT
        while data := self.read(CHUNK):
            left -= len(data)
            if left < 0:
                raise damaged()


class _Xz:
    """``lzma.LZMAFile`` with a bound on the memory that the file may ask for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inner = _new_xz()

    def read(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, or none at the end."""
        while True:
            if self._inner.eof:
                packed = self._inner.unused_data or self._stream.read(CHUNK)
                if not packed.strip(b"\0"):
                    return b""
                self._inner = _new_xz()  # several streams may follow each other
            else:
                packed = self._stream.read(CHUNK) if self._inner.needs_input else b""
                if self._inner.needs_input and not packed:
                    raise EOFError
            if data := self._inner.decompress(packed, size):
                return data


def _new_xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
