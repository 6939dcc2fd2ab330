"""Packs the public sample of a task: the same directory always gives the same bytes."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from portal.files.archives.submitted import unpack_results
from portal.files.archives.tar_writer import TarWriter

MAX_FILES = 100_000
_CHUNK = 1024 * 1024


def pack_sample(directory: Path, target: Path) -> None:
    """Write a plain tar of the files of a directory, without owners and times."""
    with target.open("wb") as stream:
        writer = TarWriter(stream)
        for path in sorted(directory.rglob("*")):
            inner = PurePosixPath(path.relative_to(directory))
            if path.is_dir():
                writer.directory(inner)
            else:
                writer.file(inner, path.stat().st_size, _chunks(path), executable=False)
        writer.finish()


def unpack_sample(packed: Path, place: Path, *, max_bytes: int) -> None:
    """Unpack what ``pack_sample`` has packed. Raises ``BadArchiveError`` for what programs could not be given."""
    unpack_results(packed, place, required=(), max_bytes=max_bytes, max_files=MAX_FILES)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
