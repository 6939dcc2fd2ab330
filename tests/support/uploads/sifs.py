"""SIFs whose tables are made by hand."""

import struct

DEFINITION, PARTITION, SIGNATURE = 0x4001, 0x4004, 0x4005
SQUASHFS, EXT3, ENCRYPTED = 1, 2, 5
SYSTEM, PRIMARY, DATA, OVERLAY = 1, 2, 3, 4
TABLE, SLOT, START = 4096, 585, 32176
ABSENT = 2**64 - 1


def superblock(
    *,
    magic: int = 0x73717368,
    inodes: int = 5,
    block: int = 131072,
    compression: int = 1,
    version: int = 4,
    used: int = 100,
    table: int = 96,
) -> bytes:
    short = (compression, 17, 0, 1, version, 0)
    tables = (table, ABSENT, 96, 96, ABSENT, ABSENT)
    return struct.pack("<5I6H8Q", magic, inodes, 0, block, 0, *short, 0, used, *tables)


def header(
    *,
    magic: bytes = b"SIF_MAGIC\0",
    version: bytes = b"01\0",
    arch: bytes = b"02\0",
    slots: int = 48,
    table: int = TABLE,
) -> bytes:
    launch = b"#!/usr/bin/env run-singularity\n\0"
    numbers = (0, 0, slots - 2, slots, table, slots * SLOT, START, 100)
    packed = struct.pack("<8q", *numbers)
    return launch + magic + version + arch + bytes(16) + packed


def descriptor(
    kind: int = PARTITION,
    *,
    used: bool = True,
    offset: int = START,
    size: int = 100,
    file_system: int = SQUASHFS,
    purpose: int = PRIMARY,
    arch: bytes = b"02\0",
    number: int = 1,
) -> bytes:
    extra = struct.pack("<ii3s", file_system, purpose, arch).ljust(384, b"\0")
    numbers = struct.pack("<i?III7q", kind, used, number, 1, 0, offset, size, size, 0, 0, 0, 0)
    return numbers + bytes(128) + extra


def sif(
    *descriptors: bytes,
    head: bytes | None = None,
    length: int = START + 400,
    system: bytes | None = None,
) -> bytes:
    whole = bytearray(length)
    start = head if head is not None else header()
    whole[: len(start)] = start
    table = b"".join(descriptors)
    whole[TABLE : TABLE + len(table)] = table
    block = superblock() if system is None else system
    whole[START : START + len(block)] = block
    return bytes(whole[:length])


OVERLAPPING = sif(descriptor(DEFINITION, offset=START + 50), descriptor())
