"""Tells by its first bytes what an upload is. Names and content types are only what people say."""

import tarfile
from enum import StrEnum
from pathlib import Path

BLOCK = 512
"""Bytes that are looked at."""
_SIF_AT = 32
_BEGINNINGS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


class Format(StrEnum):
    """What a file is, as far as its first bytes say."""

    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    SIF = "sif"
    RECIPE = "recipe"  #: an Apptainer definition file or a Dockerfile
    OTHER = "other"

    @property
    def is_archive(self) -> bool:
        """Whether files can be packed in it."""
        return self not in {Format.SIF, Format.RECIPE, Format.OTHER}


def format_of(file: Path) -> Format:
    """Return what the file is."""
    with file.open("rb") as stream:
        return recognise(stream.read(BLOCK))


def recognise(block: bytes) -> Format:
    """Return what a file is that begins with these bytes."""
    for beginning, name in _BEGINNINGS:
        if block.startswith(beginning):
            return Format(name)
    # A SIF begins with a line that runs it, and "SIF_MAGIC" follows at a fixed place.
    if block[_SIF_AT : _SIF_AT + 9] == b"SIF_MAGIC":
        return Format.SIF
    if _is_tar(block):
        return Format.TAR
    return Format.RECIPE if _is_recipe(block) else Format.OTHER


def _is_tar(block: bytes) -> bool:
    if len(block) == BLOCK and not any(block):
        return True  # an archive without members
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _is_recipe(block: bytes) -> bool:
    lines = (line.strip().lower() for line in block.splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return first.startswith((b"bootstrap:", b"from ", b"arg "))
