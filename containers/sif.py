"""Look at an uploaded SIF without running anything: it must be one, and one that is taken.

The format is little-endian throughout: a global header of 128 bytes, then a table of descriptors of 585
bytes each, then data. An image that is taken has exactly one partition: squashfs, primary system, for
the cluster's architecture. An overlay partition would be mounted without being asked for, an ext3 one
would be a file system for the kernel to parse, an encrypted one cannot be looked into.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from containers.squashfs import NotASquashfsError, check_squashfs

_HEADER = struct.Struct("<32s10s3s3s16s8q")
_DESCRIPTOR = struct.Struct("<i?IIIqqqqqqq128s384s")
_PARTITION = struct.Struct("<ii3s")

_MAGIC = b"SIF_MAGIC\0"
_VERSION = b"01\0"
_ARCHITECTURES = {b"02\0": "amd64", b"04\0": "arm64", b"06\0": "ppc64le", b"12\0": "riscv64"}
_DESCRIPTOR_LIMIT = 1024
_DATA_PARTITION = 0x4004
_SQUASHFS = 1
_EXT3 = 2
_ENCRYPTED = 5
_SYSTEMS = {1, 2}
_PRIMARY_SYSTEM = 2
_OVERLAY = 4
_TYPES = {
    0x4001: "definition",
    0x4002: "variables",
    0x4003: "labels",
    _DATA_PARTITION: "partition",
    0x4005: "signature",
    0x4006: "json",
    0x4007: "generic",
    0x4008: "crypto message",
    0x4009: "sbom",
    0x400A: "oci index",
    0x400B: "oci blob",
}


class NotASifError(ValueError):
    """The file is no SIF, or not one that is taken; the text says why, for its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SifHeader:
    """What the tables of a SIF say."""

    architecture: str
    objects: tuple[str, ...]
    """The types of its data objects, in their order."""
    system: int
    """The id of the object that is the system."""

    @property
    def is_signed(self) -> bool:
        """Whether it holds a signature, by whomever and of whatever."""
        return "signature" in self.objects


def read_sif(path: Path) -> SifHeader:
    """Read the tables of a SIF that can be run here. Raises NotASifError for all others."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = _unpack_header(file.read(_HEADER.size), size)
        file.seek(header.table)
        table = file.read(header.slots * _DESCRIPTOR.size)
    if len(table) != header.slots * _DESCRIPTOR.size:
        raise NotASifError("The image is cut short.")
    used = [raw for raw in _DESCRIPTOR.iter_unpack(table) if raw[1]]
    if any(raw[0] not in _TYPES for raw in used):
        raise NotASifError("The image holds a part of a kind that is not known here.")
    _check_places([(raw[5], raw[6]) for raw in used], start=header.table + len(table), size=size)
    partitions = [raw for raw in used if raw[0] == _DATA_PARTITION]
    architecture = _system([raw[-1] for raw in partitions], header.architecture)
    with path.open("rb") as file:
        try:
            check_squashfs(file, partitions[0][5], partitions[0][6])
        except NotASquashfsError as error:
            raise NotASifError(str(error)) from error
    system = partitions[0][2]
    if sum(raw[2] == system for raw in used) > 1:
        # A signature names its part by the number, so that another part could stand in for it.
        raise NotASifError("Parts of the image have the same number.")
    return SifHeader(
        architecture=architecture,
        objects=tuple(_TYPES[raw[0]] for raw in used),
        system=system,
    )


@dataclass(frozen=True, slots=True)
class _Header:
    architecture: bytes
    slots: int
    table: int


def _unpack_header(raw: bytes, size: int) -> _Header:
    if len(raw) < _HEADER.size:
        raise NotASifError("The file is not a SIF image.")
    _, magic, version, architecture, _, *numbers = _HEADER.unpack(raw)
    _, _, _, slots, table, _, _, _ = numbers
    if magic != _MAGIC or version != _VERSION:
        raise NotASifError("The file is not a SIF image.")
    if not 0 < slots <= _DESCRIPTOR_LIMIT or not _HEADER.size <= table < size:
        raise NotASifError("The image's table of contents is damaged.")
    return _Header(architecture, slots, table)


def _check_places(places: list[tuple[int, int]], *, start: int, size: int) -> None:
    if any(at < 0 or length < 0 or at + length > size for at, length in places):
        raise NotASifError("The image is cut short or its table of contents is damaged.")
    taken = sorted((at, at + length) for at, length in places if length)
    if taken and taken[0][0] < start:
        raise NotASifError("A part of the image overlaps its table of contents.")
    if any(end > following for (_, end), (following, _) in pairwise(taken)):
        raise NotASifError("Parts of the image overlap each other.")


def _system(partitions: list[bytes], architecture: bytes) -> str:
    found = [_PARTITION.unpack_from(partition) for partition in partitions]
    if any(file_system == _ENCRYPTED for file_system, _, _ in found):
        raise NotASifError("The image is encrypted. Build it without --encrypt.")
    if any(purpose == _OVERLAY for _, purpose, _ in found):
        raise NotASifError("The image has a writable overlay. Build it again without one.")
    if any(file_system == _EXT3 for file_system, _, _ in found):
        raise NotASifError("The image holds an ext3 file system. Build it again as squashfs.")
    if sum(purpose in _SYSTEMS for _, purpose, _ in found) > 1:
        raise NotASifError("The image holds several systems. Build it with exactly one.")
    if len(found) != 1 or found[0][:2] != (_SQUASHFS, _PRIMARY_SYSTEM):
        raise NotASifError("The image must have exactly one partition, a squashfs with its system.")
    name = _ARCHITECTURES.get(architecture)
    if name is None or found[0][2] != architecture:
        raise NotASifError("The image is for a kind of machine that is not known here.")
    return name
