"""Access control lists, and ways that are open to everybody."""

import os
import struct
from pathlib import Path

from portal.site_check.rules.reach import ENTER

NOBODY_IN_PARTICULAR = 0xFFFFFFFF

OWNER_ENTRY, USER_ENTRY, GROUP_OWNER_ENTRY, GROUP_ENTRY, MASK_ENTRY, OTHER_ENTRY = (
    1,
    2,
    4,
    8,
    16,
    32,
)


def set_list(path: Path, *entries: tuple[int, int, int]) -> None:
    raw = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + raw)


def open_the_way_to(folder: Path) -> None:
    """Let everybody pass through the test's own folders."""
    for one in (folder, *folder.parents):
        if one.stat().st_uid == os.geteuid() and not one.stat().st_mode & ENTER:
            one.chmod(one.stat().st_mode | 0o011)
