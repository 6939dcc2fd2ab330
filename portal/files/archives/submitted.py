"""Takes apart the archives that teams submit: code to lay over a base image, and results.

An archive is gone through once: what is written on the way goes to a place of its own, and appears under its
name when nothing speaks against the archive. So nothing stays of one that is refused.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from portal.files.archives.decompression import CHUNK, open_source
from portal.files.archives.entries import EntryKind
from portal.files.archives.formats import BLOCK, Format, format_of, recognise
from portal.files.archives.members import (
    ArchiveLimits,
    Member,
    read_entries,
    read_members,
    recipe_refused,
)
from portal.files.archives.tar_writer import TarWriter
from portal.files.atomic import become, beside
from portal.files.errors import BadArchiveError, damaged, shown
from portal.files.trees import remove

CODE_LIMITS = ArchiveLimits()
"""What code may hold where the caller says nothing else."""

_RECIPES = {"dockerfile", "containerfile", "singularity"}
# Formats of data that are archives themselves: such an upload may be meant as one file.
_PACKED_SUFFIXES = {".bz2", ".gz", ".npz", ".pt", ".pth", ".tar", ".tgz", ".xlsx", ".xz", ".zip"}
_TEXTS = {".csv", ".json", ".jsonl", ".ndjson", ".tsv", ".txt", ".xml"}
_COMPRESSED = {Format.GZIP, Format.BZIP2, Format.XZ}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedCode:
    """The plain tar that was made of a code upload."""

    sha256: str
    files: int
    size: int
    """Bytes of all files together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedResults:
    """The files that were made of a results upload."""

    files: int
    size: int
    """Bytes of all files together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """What an archive holds: each file with the bytes that really came."""

    files: dict[PurePosixPath, int]
    top: PurePosixPath
    """The one directory in which everything lies, or ``.``."""

    @property
    def size(self) -> int:
        return sum(self.files.values())

    @property
    def names(self) -> Collection[str]:
        return {str(path.relative_to(self.top)) for path in self.files}


def repack_code(source: Path, target: Path, limits: ArchiveLimits = CODE_LIMITS) -> PackedCode:
    """Make a plain tar of a zip or tar (gz, bz2, xz); raise ``BadArchiveError`` for what may not be in it.

    The tar holds directories and regular files only, with modes 0755 and 0644, no owners and no
    times, so that the same upload always gives the same bytes. If everything lies in one directory,
    as in a download from a forge, its content takes its place. ``target`` appears when it is
    complete and replaces what was there.
    """
    with beside(target) as scratch:
        made = scratch / "whole"
        with made.open("wb") as stream:
            sink = _Hashing(stream)
            survey = _repack(source, TarWriter(sink), limits)
        if any(_is_recipe(name) for name in survey.names):
            raise recipe_refused()
        if survey.top.parts:
            whole, made = made, scratch / "without"
            with made.open("wb") as stream:
                sink = _Hashing(stream)
                _take_off(whole, survey.top, TarWriter(sink))
        with made.open("rb") as written:
            os.fchmod(written.fileno(), 0o640)
            os.fsync(written.fileno())
        made.rename(target)
    return PackedCode(sha256=sink.digest.hexdigest(), files=len(survey.files), size=survey.size)


def unpack_results(
    source: Path,
    target: Path,
    *,
    required: Sequence[str],
    max_bytes: int,
    max_files: int,
    filename: str = "",
) -> UnpackedResults:
    """Make the directory ``target`` of a results upload; raise ``BadArchiveError`` if that cannot be.

    Where a single file is required, the upload may be this file itself, which ``filename`` helps to tell
    where the format of that file is a packed one, or it may be this file in gzip, bzip2 or xz. Otherwise
    it is an archive with all required files; if they are not at its top but everything lies in one
    directory, that directory's content counts. ``target`` appears when it is complete; repeating the call then
    changes nothing. Files have mode 0640, directories 0750.
    """
    limits = ArchiveLimits(files=max_files, size=max_bytes)
    with beside(target) as part:
        whole, result = _write_results(source, part, required, filename, limits)
        become(whole, target)
    return result


def _survey(members: Iterable[tuple[Member, int]]) -> _Survey:
    """Note the members of an archive while they are written, each with the bytes that it really has."""
    files: dict[PurePosixPath, int] = {}
    tops: set[str] = set()
    for member, size in members:
        tops.add(member.path.parts[0])
        if not member.is_directory:
            files[member.path] = size
    if not files:
        raise BadArchiveError("empty", "The archive holds no files.")
    is_nested = len(tops) == 1 and all(len(path.parts) > 1 for path in files)
    return _Survey(files=files, top=PurePosixPath(*tops) if is_nested else PurePosixPath())


def _is_recipe(name: str) -> bool:
    is_at_top = "/" not in name
    return is_at_top and (name.lower() in _RECIPES or name.lower().endswith(".def"))


def _repack(source: Path, writer: TarWriter, limits: ArchiveLimits) -> _Survey:
    def written() -> Iterator[tuple[Member, int]]:
        for member in read_members(source, limits):
            if member.is_directory:
                writer.directory(member.path)
                sum(map(len, member.chunks()))  # a zip's directory may have content, which counts
            else:
                chunks = as_announced(member)
                writer.file(member.path, member.size, chunks, executable=member.executable)
            yield member, member.size

    survey = _survey(written())
    writer.finish()
    return survey


def as_announced(member: Member) -> Iterator[bytes]:
    """Give the content of a file; raise ``BadArchiveError`` where its size is another than the archive says."""
    size = 0
    for chunk in member.chunks():
        size += len(chunk)
        yield chunk
    if size != member.size:
        raise damaged()


def _take_off(whole: Path, top: PurePosixPath, writer: TarWriter) -> None:
    """Write a tar of our own anew without the directory in which everything lies."""
    for entry in read_entries(whole):
        path = PurePosixPath(entry.name).relative_to(top)
        if entry.kind is not EntryKind.DIRECTORY:
            writer.file(path, entry.size, entry.chunks(), executable=entry.executable)
        elif path.parts:
            writer.directory(path)
    writer.finish()


class _Hashing:
    """Passes bytes on to a file and hashes them on the way."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._stream.write(data)


Pieces = Callable[[Path], Iterator[bytes]]
"""Gives the bytes of an upload that is one file."""


def _write_results(
    source: Path, part: Path, required: Sequence[str], filename: str, limits: ArchiveLimits
) -> tuple[Path, UnpackedResults]:
    """Write what the archive holds, or the upload where it is the required file itself; return where that is."""
    form, is_single = format_of(source), len(required) == 1
    pieces: Pieces = _as_it_is
    if form.is_archive or not is_single:
        unpacked = part / "archive"
        try:
            survey = _with_required(_unpack(source, unpacked, limits), required)
        except BadArchiveError:
            if not is_single:
                raise
            if not _is_itself(filename, required[0]):
                if form not in _COMPRESSED or _holds_tar(source, form):
                    raise
                pieces = partial(_decompressed, form=form)
            remove([unpacked])
        else:
            result = UnpackedResults(files=len(survey.files), size=survey.size)
            return unpacked / survey.top, result
    single = part / "file"
    return single, _copy(pieces(source), single, PurePosixPath(required[0]), limits.size)


def _is_itself(filename: str, required: str) -> bool:
    """Whether an archive that does not hold the required file is this file: its format is a packed one."""
    suffix = PurePosixPath(required).suffix.lower()
    if suffix in _TEXTS or not suffix:
        return filename == PurePosixPath(required).name and not suffix
    return suffix in _PACKED_SUFFIXES or PurePosixPath(filename).suffix.lower() == suffix


def _holds_tar(source: Path, form: Format) -> bool:
    with open_source(source, form) as inside:
        return recognise(inside.read(BLOCK)) is Format.TAR


def _as_it_is(source: Path) -> Iterator[bytes]:
    with source.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _decompressed(source: Path, *, form: Format) -> Iterator[bytes]:
    with open_source(source, form) as inside:
        while chunk := inside.read(CHUNK):
            yield chunk


def _with_required(survey: _Survey, required: Sequence[str]) -> _Survey:
    flat = _Survey(files=survey.files, top=PurePosixPath())
    for candidate in (flat, survey):
        missing = [name for name in required if name not in candidate.names]
        if not missing:
            return candidate
    raise BadArchiveError(
        "missing_file",
        f"The archive lacks {shown(missing[0])}. It must hold, not in a directory of its own:"
        f" {', '.join(required)}.",
    )


def _unpack(source: Path, target: Path, limits: ArchiveLimits) -> _Survey:
    """Write what an archive holds to the directory ``target``, as it is named in it."""
    target.mkdir(mode=0o750)
    return _survey((member, _written(member, target)) for member in read_members(source, limits))


def _written(member: Member, target: Path) -> int:
    """Write a member below ``target``; return its size."""
    path = target / member.path
    _make_directories(target, path if member.is_directory else path.parent)
    if member.is_directory:
        return sum(map(len, member.chunks()))
    with path.open("xb") as stream:
        os.fchmod(stream.fileno(), 0o640)
        for chunk in member.chunks():
            stream.write(chunk)
        return stream.tell()


def _make_directories(part: Path, folder: Path) -> None:
    # parents=True would give the parents the process's default mode.
    for directory in (*reversed(folder.relative_to(part).parents), folder.relative_to(part)):
        (part / directory).mkdir(mode=0o750, exist_ok=True)


def _copy(
    pieces: Iterator[bytes], part: Path, name: PurePosixPath, max_bytes: int
) -> UnpackedResults:
    part.mkdir(mode=0o750)
    _make_directories(part, part / name.parent)
    size = 0
    with (part / name).open("xb") as copy:
        os.fchmod(copy.fileno(), 0o640)
        for chunk in pieces:
            size += len(chunk)
            if size > max_bytes:
                raise BadArchiveError(
                    "too_large", f"The file is larger than {max_bytes} bytes, the limit."
                )
            copy.write(chunk)
    return UnpackedResults(files=1, size=size)
