"""The bytes of one layer, unpacked while they come: hashed on both sides, bounded, never on a disk."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import zstandard

from portal.files.archives.decompression import CHUNK, TRAILER_LIMIT, Ratio, Unpacked
from portal.files.errors import BadArchiveError, damaged

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = 128 * 1024 * 1024  # what zstd --ultra asks for at most without --long


class Hashed:
    """Pieces of a blob as a file that is read forwards, with their digest."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, at most one piece of them; none only at the end."""
        if not self._left:
            self._left = next(self._chunks, b"")
            self._digest.update(self._left)
        size = len(self._left) if size < 0 else size
        data, self._left = self._left[:size], self._left[size:]
        return data

    def peek(self) -> bytes:
        """Return the next bytes, which stay to be read."""
        data = self.read()
        self._left = data
        return data

    def finish(self) -> str:
        """Read the rest and return the sha256 of all."""
        while self.read(CHUNK):
            pass
        return self._digest.hexdigest()


class LayerSource(Unpacked):
    """A ``Source`` of a plain, gzip or zstd layer."""

    def __init__(self, packed: Hashed, packed_size: int, spend: Callable[[int], None]) -> None:
        self._stream = _unpacked(packed)
        self._ratio = Ratio(packed_size)
        self._spend = spend
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The sha256 of what was read so far."""
        return self._digest.hexdigest()

    def some(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, counted and hashed, or none at the end."""
        try:
            data = self._stream.read(size)
        except (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile) as error:
            raise damaged() from error
        self._digest.update(data)
        self._ratio.add(len(data))
        self._spend(len(data))
        return data

    def finish(self) -> None:
        """Read what follows the tar's end: zeros, or readers would see different entries."""
        left = TRAILER_LIMIT
        while data := self.read(CHUNK):
            left -= len(data)
            if left < 0 or data.strip(b"\0"):
                raise damaged()


def _unpacked(packed: Hashed) -> BinaryIO:
    # Both readers only ever call read, which is all that a blob in an archive can offer.
    stream = cast(BinaryIO, packed)
    start = packed.peek()
    if start.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if start.startswith(_ZSTD):
        reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        return cast(BinaryIO, reader.stream_reader(stream, read_across_frames=True))
    if start.startswith((b"BZh", b"\xfd7zXZ")):
        raise BadArchiveError(
            "compression", "A layer of the image is packed with bzip2 or xz. Use gzip or zstd."
        )
    return stream
