"""Reads a zip in bounded memory, on top of the standard library."""

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from portal.files.archives.decompression import CHUNK, Ratio
from portal.files.archives.entries import Entry, EntryKind
from portal.files.errors import BadArchiveError, damaged, shown

# zipfile reads the list of members at once; 10,000 members with long names stay below this.
_READ_LIMIT = 4 * 1024 * 1024
_ENCRYPTED = 0x1
# zipfile bounds what comes out of a read for these two methods only.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# What zipfile lets through when the bytes make no sense.
_DECODING = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
_WINDOWS = {0, 10, 14}
"""Systems that a zip can say it was made on: MS-DOS, NTFS, VFAT."""
_KINDS = {
    0: EntryKind.FILE,
    stat.S_IFREG: EntryKind.FILE,
    stat.S_IFDIR: EntryKind.DIRECTORY,
    stat.S_IFLNK: EntryKind.SYMLINK,
    stat.S_IFCHR: EntryKind.DEVICE,
    stat.S_IFBLK: EntryKind.DEVICE,
    stat.S_IFIFO: EntryKind.PIPE,
}


def zip_entries(file: Path) -> Iterator[Entry]:
    """Give every entry of the zip; raise ``BadArchiveError`` where it cannot be read."""
    with opened_zip(file) as entries:
        yield from entries


@contextmanager
def opened_zip(file: Path) -> Iterator[Iterator[Entry]]:
    """Give the entries of a zip, whose contents can be read in any order as long as it is open.

    Raises ``BadArchiveError`` where it cannot be read.
    """
    with file.open("rb") as stream:
        ratio = Ratio(os.fstat(stream.fileno()).st_size)
        with _translated():
            archive = zipfile.ZipFile(_Bounded(stream))
        with archive:
            yield (_entry(archive, info, ratio) for info in archive.infolist())


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, ratio: Ratio) -> Entry:
    # zipfile cuts names at a NUL; the original shows that there was one.
    name = info.orig_filename
    if info.create_system in _WINDOWS:
        # .NET before 4.6.1 and others write the separator of Windows, against the format's rules.
        name = name.replace("\\", "/")
    if info.flag_bits & _ENCRYPTED:
        raise BadArchiveError(
            "encrypted", f"{shown(name)} is protected by a password. Pack the zip without one."
        )
    if info.compress_type not in _METHODS:
        raise BadArchiveError(
            "compression",
            f"{shown(name)} is packed with an unusual method. Make a plain zip, or a tar.gz.",
        )
    mode = info.external_attr >> 16
    kind = _KINDS.get(stat.S_IFMT(mode), EntryKind.OTHER)
    if kind is EntryKind.FILE and name.endswith("/"):
        kind = EntryKind.DIRECTORY
    return Entry(
        name=name,
        kind=kind,
        executable=bool(mode & 0o111),
        size=info.file_size,
        target="",
        chunks=lambda: _chunks(archive, info, ratio),
    )


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, ratio: Ratio) -> Iterator[bytes]:
    with _translated(), archive.open(info) as member:
        while data := member.read(CHUNK):
            ratio.add(len(data))
            yield data


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _DECODING as error:
        raise damaged() from error
    except OSError as error:
        # A place before the beginning comes from the zip; everything else from the disk.
        if error.errno != errno.EINVAL:
            raise
        raise damaged() from error


class _Bounded:
    """A file that refuses to be read in one piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _READ_LIMIT:
            data = self._stream.read(_READ_LIMIT + 1)
            if len(data) > _READ_LIMIT:
                raise BadArchiveError("too_many", "The zip lists too many files.")
            return data
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True
