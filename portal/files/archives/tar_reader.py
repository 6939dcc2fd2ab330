"""Reads a tar from front to back in constant memory.

``tarfile`` reads a whole extended header at once, whatever size it announces. Here only its public
reader of single headers is used, and everything that has a length has a bound.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from portal.files.archives.decompression import CHUNK, Source
from portal.files.archives.entries import Entry, EntryKind
from portal.files.errors import BadArchiveError, damaged
from portal.files.progress import advance

_BLOCK = 512
_EXTENSION_LIMIT = 64 * 1024
_EXTENSIONS_IN_A_ROW = 8

_KINDS = {
    tarfile.REGTYPE: EntryKind.FILE,
    tarfile.AREGTYPE: EntryKind.FILE,
    tarfile.CONTTYPE: EntryKind.FILE,
    tarfile.DIRTYPE: EntryKind.DIRECTORY,
    tarfile.SYMTYPE: EntryKind.SYMLINK,
    tarfile.LNKTYPE: EntryKind.HARD_LINK,
    tarfile.CHRTYPE: EntryKind.DEVICE,
    tarfile.BLKTYPE: EntryKind.DEVICE,
    tarfile.FIFOTYPE: EntryKind.PIPE,
}
_MAGIC = slice(257, 263)
_PREFIX = slice(345, 500)
_PAX = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
_MEANINGFUL = {"path", "linkpath", "size"}


def tar_entries(source: Source) -> Iterator[Entry]:
    """Give every entry of the tar; raise ``BadArchiveError`` where it cannot be read."""
    while (header := _next_header(source)) is not None:
        content = _Content(source, header.size)
        yield Entry(
            name=header.name,
            kind=header.kind,
            executable=bool(header.mode & 0o111),
            size=header.size,
            target=header.target,
            chunks=content.chunks,
        )
        content.skip()
    source.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    name: str
    kind: EntryKind
    mode: int
    size: int
    target: str


class _Content:
    """The bytes between two headers."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % _BLOCK

    def chunks(self) -> Iterator[bytes]:
        while self._left:
            data = self._source.read(min(CHUNK, self._left))
            if not data:
                raise damaged()
            self._left -= len(data)
            advance(len(data))
            yield data

    def skip(self) -> None:
        self._source.skip(self._left + self._padding)


def _next_header(source: Source) -> _Header | None:
    extension: dict[str, str] = {}
    for _ in range(_EXTENSIONS_IN_A_ROW):
        info = _read_header(source)
        if info is None and extension:
            break
        if info is None:
            return None
        if info.type in _PAX:
            _add(extension, _pax(_read_extension(source, info.size)))
        elif info.type == tarfile.XGLTYPE:
            # Comments, as git archive leaves them; names and sizes for all members make no sense.
            if _MEANINGFUL & _pax(_read_extension(source, info.size)).keys():
                raise damaged()
        elif info.type == tarfile.GNUTYPE_LONGNAME:
            name = _text(_read_extension(source, info.size).split(b"\0")[0])
            _add(extension, {"path": name})
        elif info.type == tarfile.GNUTYPE_LONGLINK:
            name = _text(_read_extension(source, info.size).split(b"\0")[0])
            _add(extension, {"linkpath": name})
        else:
            return _header(info, extension)
    raise damaged()


def _add(extension: dict[str, str], more: dict[str, str]) -> None:
    # Readers differ in which of two names of one entry they take.
    if _MEANINGFUL & extension.keys() & more.keys():
        raise damaged()
    extension |= more


def _read_header(source: Source) -> tarfile.TarInfo | None:
    block = source.read(_BLOCK)
    if not block:
        # Without the two blocks of zeros at its end, as some builders write layers; other readers take that.
        return None
    if len(block) < _BLOCK:
        raise damaged()
    if not any(block):
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise damaged() from error
    if info.size < 0 or (any(block[_PREFIX]) and block[_MAGIC] != b"ustar\0"):
        # Other readers take the second part of a name from a header of POSIX only.
        raise damaged()
    return info


def _read_extension(source: Source, size: int) -> bytes:
    if size > _EXTENSION_LIMIT:
        raise damaged()
    data = source.read(size)
    if len(data) < size:
        raise damaged()
    source.skip(-size % _BLOCK)
    return data


def _pax(data: bytes) -> dict[str, str]:
    """Read records of the form ``LENGTH KEY=VALUE`` and a line end."""
    records: dict[str, str] = {}
    while data.rstrip(b"\0"):
        digits, space, _ = data[:8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record, data = data[:length], data[length:]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) != length or not equals or not record.endswith(b"\n"):
            raise damaged()
        _add(records, {_text(key): _text(value)})
    return records


def _header(info: tarfile.TarInfo, extension: dict[str, str]) -> _Header:
    if info.type == tarfile.GNUTYPE_SPARSE or any(k.startswith("GNU.sparse") for k in extension):
        raise BadArchiveError(
            "sparse", "The archive stores files with holes. Pack it again without tar's --sparse."
        )
    kind = _KINDS.get(info.type, EntryKind.OTHER)
    size = _size(info, extension)
    if size and kind is not EntryKind.FILE:
        # Readers differ in whether such an entry has content, so they would see different members.
        raise damaged()
    return _Header(
        name=extension.get("path", info.name),
        kind=kind,
        mode=info.mode,
        size=size,
        target=extension.get("linkpath", info.linkname),
    )


def _size(info: tarfile.TarInfo, extension: dict[str, str]) -> int:
    text = extension.get("size")
    if text is None:
        return info.size
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise damaged()
    return int(text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
