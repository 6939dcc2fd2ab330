"""Look at the first block of a squashfs, before a kernel or squashfuse parses the rest.

Only what stands in the superblock is known then: how much it unpacks to is not, so the limits of a run
hold for that.
"""

import struct
from typing import BinaryIO

_SUPERBLOCK = struct.Struct("<5I6H8Q")
_MAGIC = 0x73717368
_VERSION = (4, 0)
_COMPRESSIONS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
_BLOCK_LOGS = range(12, 21)
_ABSENT = 2**64 - 1
_INODE_LIMIT = 2_000_000


class NotASquashfsError(ValueError):
    """The bytes are no squashfs, or not one that is taken; the text says why, for its owner."""


def check_squashfs(file: BinaryIO, offset: int, length: int) -> None:
    """Check the squashfs of ``length`` bytes at ``offset``. Raises NotASquashfsError."""
    file.seek(offset)
    raw = file.read(min(length, _SUPERBLOCK.size))
    if len(raw) < _SUPERBLOCK.size:
        raise NotASquashfsError("The image's system partition is no squashfs.")
    magic, inodes, _, block, _, compression, log, _, ids, *rest = _SUPERBLOCK.unpack(raw)
    version, (_, used, *tables) = (rest[0], rest[1]), rest[2:]
    if magic != _MAGIC or version != _VERSION:
        raise NotASquashfsError("The image's system partition is no squashfs.")
    if compression not in _COMPRESSIONS:
        raise NotASquashfsError("The image's squashfs is compressed in a way that is not known.")
    if inodes > _INODE_LIMIT:
        raise NotASquashfsError(
            f"The image holds {inodes} files; up to {_INODE_LIMIT} are accepted. Leave some out."
        )
    is_sound = log in _BLOCK_LOGS and block == 1 << log and inodes and ids
    if not is_sound or not _SUPERBLOCK.size <= used <= length:
        raise NotASquashfsError("The image's squashfs is damaged or cut short.")
    if any(table >= used and table != _ABSENT for table in tables):
        raise NotASquashfsError("The image's squashfs is damaged or cut short.")
