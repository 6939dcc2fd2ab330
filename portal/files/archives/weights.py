"""Tells of an uploaded file of weights, by its content, whether runs find the files in it or the file itself.

Formats of weights are archives themselves: what ``torch.save``, NumPy and Keras write are zips, and people call
checkpoints ``model_best.pth.tar`` that are no tar. So the name decides for zips alone, and unpacks nothing else.
"""

from collections import deque
from pathlib import Path

from portal.files.archives.decompression import open_source
from portal.files.archives.formats import BLOCK, Format, format_of, recognise
from portal.files.archives.members import ArchiveLimits, read_members
from portal.files.archives.submitted import unpack_results
from portal.files.errors import BadArchiveError

MAX_FILES = 100_000
"""Files and directories that an archive of weights may hold."""
MAX_PACKED_BYTES = 20 * 1024**3
"""What compressed archives may hold: all of it is decompressed while their uploader waits."""

_COMPRESSED = {Format.GZIP, Format.BZIP2, Format.XZ}
_NAMED_TAR = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# Checkpoints that are tars, and that their library opens as one file.
_TAR_FORMATS = (".nemo", ".riva")
_PLAIN_TAR = "A tar without compression may hold more."


def is_unpacked(file: Path, filename: str) -> bool:
    """Tell whether runs find the files in ``file``: a tar, compressed or not, or a zip that is called ``.zip``.

    Reads the first block only. Raises ``BadArchiveError`` where the name says that it is a compressed tar and its
    beginning cannot be decompressed.
    """
    form, name = format_of(file), filename.lower()
    if is_one_file(name):
        return False
    if form is Format.ZIP:
        return name.endswith(".zip")
    if form is Format.TAR:
        with file.open("rb") as stream:
            return any(
                stream.read(BLOCK)
            )  # numbers may begin with zeros, as a tar without members does
    return form in _COMPRESSED and _holds_tar(file, form, is_named_tar=name.endswith(_NAMED_TAR))


def is_one_file(filename: str) -> bool:
    """Tell whether a name is that of a format that is always one file, although it is a tar inside."""
    return filename.lower().endswith(_TAR_FORMATS)


def check_weights(file: Path, filename: str, *, max_bytes: int) -> bool:
    """Look through an upload and return whether it is unpacked; raise ``BadArchiveError`` if runs could not use it.

    A plain tar is passed through by its headers; what is compressed is read in full, and held to
    ``MAX_PACKED_BYTES``. ``max_bytes`` is what an archive may unpack to.
    """
    if not is_unpacked(file, filename):
        return False
    is_plain = format_of(file) is Format.TAR
    size = max_bytes if is_plain else min(max_bytes, MAX_PACKED_BYTES)
    try:
        is_empty = True
        for member in read_members(file, ArchiveLimits(files=MAX_FILES, size=size)):
            is_empty = is_empty and member.is_directory
            if is_plain:
                member.pass_over()
            else:
                deque(member.chunks(), maxlen=0)
    except BadArchiveError as problem:
        if problem.reason == "too_large" and size < max_bytes:
            raise BadArchiveError("too_large", f"{problem.message} {_PLAIN_TAR}") from problem
        raise
    if is_empty:
        raise BadArchiveError("empty", "The archive holds no files.")
    return True


def unpack_weights(file: Path, target: Path, *, max_bytes: int) -> None:
    """Make the directory ``target`` of an archive. Raises ``BadArchiveError``. Idempotent."""
    unpack_results(file, target, required=(), max_bytes=max_bytes, max_files=MAX_FILES)


def _holds_tar(file: Path, form: Format, *, is_named_tar: bool) -> bool:
    try:
        with open_source(file, form) as inside:
            block = inside.read(BLOCK)
    except BadArchiveError:
        if is_named_tar:
            raise
        return False
    return any(block) and recognise(block) is Format.TAR
