"""Members of an archive that are safe to write to a disk, and the refusal of all others.

What passes has a plain relative name, is a file or a directory, and cannot be mistaken for another
member on any file system. Sizes are counted as the bytes come.
"""

import unicodedata
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from portal.domain.printable import is_printable
from portal.files.archives.decompression import open_source
from portal.files.archives.entries import Entry, EntryKind
from portal.files.archives.formats import Format, format_of
from portal.files.archives.tar_reader import tar_entries
from portal.files.archives.zip_reader import opened_zip, zip_entries
from portal.files.errors import BadArchiveError, damaged, shown

_PART_LIMIT = 255  # bytes of a name on every file system in use
_PATH_LIMIT = 1000
_DEPTH_LIMIT = 32
_REPACK = "Pack the files with plain relative names and hand the archive in again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold."""

    files: int = 10_000
    """Files and directories, with those that are only implied by names."""
    size: int = 20 * 1024**3
    """Bytes of all files, unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file or directory whose name and kind are safe."""

    path: PurePosixPath
    is_directory: bool
    executable: bool
    _entry: Entry
    _tally: "_Tally" = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes that the archive announces."""
        return self._entry.size

    def chunks(self) -> Iterator[bytes]:
        """Give the content, once, before the next member is asked for; count it while it comes."""
        for chunk in self._entry.chunks():
            self._tally.add(len(chunk))
            yield chunk

    def pass_over(self) -> None:
        """Count the content as what the archive announces, without reading it."""
        self._tally.add(self._entry.size)


def read_members(file: Path, limits: ArchiveLimits) -> Iterator[Member]:
    """Give the members of a zip or tar; raise ``BadArchiveError`` at the first that may not be there.

    What macOS adds on its own (``__MACOSX``, ``.DS_Store``, AppleDouble files ``._NAME``) is left out.
    """
    # Closed at once: a refusal keeps whatever it passed through, and with that the file.
    with closing(read_entries(file)) as entries:
        yield from _members(entries, limits)


@contextmanager
def opened_members(file: Path, limits: ArchiveLimits) -> Iterator[Mapping[PurePosixPath, Member]]:
    """Give the members of a zip by their path, to be read in any order as long as it is open.

    Raises ``BadArchiveError`` for what is no zip, and as ``read_members`` does.
    """
    if format_of(file) is not Format.ZIP:
        raise BadArchiveError("not_an_archive", "This is no zip. Pack the files as one.")
    with opened_zip(file) as entries:
        yield {member.path: member for member in _members(entries, limits)}


def _members(entries: Iterable[Entry], limits: ArchiveLimits) -> Iterator[Member]:
    tally, names = _Tally(limits), _Names()
    for entry in entries:
        tally.entry()
        path = _safe_path(entry)
        if _is_of_macos(path):
            continue
        _check_kind(entry)
        is_directory = entry.kind is EntryKind.DIRECTORY
        names.add(path, is_directory)
        tally.check_names(len(names))
        tally.announce(entry.size)
        yield Member(
            path=path,
            is_directory=is_directory,
            executable=entry.executable,
            _entry=entry,
            _tally=tally,
        )


def read_entries(file: Path) -> Generator[Entry, None, None]:
    """Give what a zip or tar says that it holds; raise ``BadArchiveError`` if it is neither."""
    form = format_of(file)
    if form is Format.ZIP:
        yield from zip_entries(file)
        return
    _check_format(form)
    with open_source(file, form) as source:
        yield from tar_entries(source)


def _check_format(form: Format) -> None:
    if form is Format.ZSTD:
        raise BadArchiveError(
            "compression", "Zstandard is not accepted here. Pack the files as a tar.gz or a zip."
        )
    if form is Format.SIF:
        raise BadArchiveError(
            "not_an_archive", "This is an Apptainer image. Choose the kind 'image'."
        )
    if form is Format.RECIPE:
        raise recipe_refused()
    if form is Format.OTHER:
        raise BadArchiveError(
            "not_an_archive", "This is neither a zip nor a tar. Pack the files as one of them."
        )


def recipe_refused() -> BadArchiveError:
    """Return the refusal of definition files and Dockerfiles: they run commands on the host."""
    return BadArchiveError(
        "recipe",
        "A definition file or Dockerfile is not accepted: submit the image that it makes (kind"
        " 'image', from docker save or apptainer build), or only your files (kind 'code').",
    )


class _Tally:
    """Counts and refuses what is too much."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._entries = 0
        self._size = 0

    def entry(self) -> None:
        self._entries += 1
        self.check_names(self._entries)

    def check_names(self, number: int) -> None:
        if number > self._limits.files:
            raise BadArchiveError(
                "too_many",
                f"The archive holds more than {self._limits.files} files and directories. Leave"
                " out what is not needed, such as .git, caches and environments.",
            )

    def announce(self, size: int) -> None:
        self._check_size(self._size + size)

    def add(self, size: int) -> None:
        self._size += size
        self._check_size(self._size)

    def _check_size(self, size: int) -> None:
        if size > self._limits.size:
            raise BadArchiveError(
                "too_large",
                f"The files in the archive are larger than {self._limits.size} bytes together,"
                " which is the limit.",
            )


class _Names:
    """The names so far, compared as the least discerning file system would."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, path: PurePosixPath, is_directory: bool) -> None:
        for parent in reversed(path.parents[:-1]):
            if self._note(parent, is_directory=True) is False:
                raise BadArchiveError(
                    "file_as_directory",
                    f"{shown(str(parent))} is a file, but other members lie in it. {_REPACK}",
                )
        was_directory = self._note(path, is_directory)
        if was_directory is not None and not (was_directory and is_directory):
            raise _twice(path)

    def _note(self, path: PurePosixPath, is_directory: bool) -> bool | None:
        """Return whether the name was a directory before, or ``None`` if it is new."""
        name = str(path)
        # Twice, because the lower case of a composed letter may be decomposed.
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if key not in self._seen:
            self._seen[key] = name, is_directory
            return None
        spelling, was_directory = self._seen[key]
        if spelling != name:
            raise _twice(path)
        return was_directory


def _twice(path: PurePosixPath) -> BadArchiveError:
    return BadArchiveError(
        "duplicate",
        f"{shown(str(path))} is in the archive twice, if upper and lower case are not distinguished."
        " Rename or leave out one of the two.",
    )


def _safe_path(entry: Entry) -> PurePosixPath:
    name = entry.name
    if problem := _problem(name):
        raise BadArchiveError("name", f"The name {shown(name)} {problem}. {_REPACK}")
    if name.endswith("/") and entry.kind is EntryKind.FILE:
        raise damaged()
    return PurePosixPath(*(part for part in name.split("/") if part not in {"", "."}))


def _problem(name: str) -> str | None:
    parts = name.split("/")
    if not is_printable(name):  # also true of bytes that are not UTF-8
        return "has control characters or is not UTF-8"
    if "\\" in name:
        return "has a backslash"
    if name.startswith("/") or (name[1:2] == ":" and name[0].isalpha()):
        return "is absolute"
    if ".." in parts:
        return "leads out of the archive"
    too_long = len(name.encode()) > _PATH_LIMIT or len(parts) > _DEPTH_LIMIT
    if too_long or any(len(part.encode()) > _PART_LIMIT for part in parts):
        return "is too long"
    return None if name else "is empty"


def _is_of_macos(path: PurePosixPath) -> bool:
    if not path.parts or path.parts[0] == "__MACOSX":
        return True
    # Attributes of a file, in a file beside it: https://datatracker.ietf.org/doc/html/rfc1740
    return path.name == ".DS_Store" or (path.name.startswith("._") and len(path.name) > 2)  # noqa: PLR2004


def _check_kind(entry: Entry) -> None:
    if entry.kind not in {EntryKind.FILE, EntryKind.DIRECTORY}:
        raise BadArchiveError(
            "kind",
            f"{shown(entry.name)} is a {entry.kind}. Only files and directories are accepted:"
            " put a copy in its place, or leave it out.",
        )
