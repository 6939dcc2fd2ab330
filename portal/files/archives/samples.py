"""Packs the public sample of a task: the same directory always gives the same bytes."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from portal.files.archives.members import Member
from portal.files.archives.submitted import as_announced, unpack_results
from portal.files.archives.tar_writer import Sink, TarWriter
from portal.files.errors import BadArchiveError

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


def pack_members(members: Iterable[Member], top: PurePosixPath, sink: Sink) -> None:
    """Write the same tar of what lies below ``top`` in an archive, whose members can be read in any order.

    Raises ``BadArchiveError`` for what programs could not be given.
    """
    writer = TarWriter(sink)
    below = sorted((one for one in members if one.path != top), key=lambda one: one.path)
    if not any(not one.is_directory for one in below):
        raise BadArchiveError("empty", "The archive holds no files.")
    if len(below) > MAX_FILES:
        raise BadArchiveError("too_many", f"The sample holds more than {MAX_FILES} files.")
    for member in below:
        inner = member.path.relative_to(top)
        if member.is_directory:
            writer.directory(inner)
        else:
            writer.file(inner, member.size, as_announced(member), executable=False)
    writer.finish()


def unpack_sample(packed: Path, place: Path, *, max_bytes: int) -> None:
    """Unpack what ``pack_sample`` has packed. Raises ``BadArchiveError`` for what programs could not be given."""
    unpack_results(packed, place, required=(), max_bytes=max_bytes, max_files=MAX_FILES)


@contextmanager
def packed_sample(directory: Path, *, max_bytes: int) -> Iterator[Path]:
    """Give what ``pack_sample`` makes of a directory. Raises ``BadArchiveError`` for what programs could not be given."""
    with tempfile.TemporaryDirectory(prefix="sealrun-sample-") as folder:
        packed = Path(folder, "sample.tar")
        pack_sample(directory, packed)
        unpack_sample(packed, Path(folder, "tried"), max_bytes=max_bytes)
        yield packed


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
