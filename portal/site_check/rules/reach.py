"""What another account of this machine can reach, by mode bits and POSIX access control lists.

The list of a file is the extended attribute ``system.posix_acl_access``: a version, then entries of tag,
permissions and id, little-endian (Linux, ``include/uapi/linux/posix_acl_xattr.h``).
"""

import grp
import os
import pwd
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READ, WRITE, ENTER = 4, 2, 1

_ACL = "system.posix_acl_access"
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_USER_OWNER, _USER, _GROUP_OWNER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as the kernel knows it."""

    name: str
    uid: int
    groups: frozenset[int]
    """All of its groups, the first one included."""


def account_named(name: str) -> Account:
    """Return the account of that name; raise ``KeyError`` where there is none."""
    entry = pwd.getpwnam(name)
    return Account(
        name=name, uid=entry.pw_uid, groups=frozenset(os.getgrouplist(name, entry.pw_gid))
    )


def group_name(gid: int) -> str:
    """Return the name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def reaches(path: Path, account: Account, want: int) -> bool:
    """Tell whether the account may do ``want`` with what ``path`` leads to, and get there.

    Links are followed. Raises ``OSError`` for what cannot be looked at from here.
    """
    real = path.resolve(strict=True)
    ways = all(permissions(folder, account) & ENTER for folder in real.parents)
    return ways and permissions(real, account) & want == want


def permissions(path: Path, account: Account) -> int:
    """Return the permission bits (read 4, write 2, enter 1) that the account has on one entry itself."""
    status = path.stat()
    if account.uid == 0:
        return READ | WRITE | ENTER
    entries = list(_entries(path))
    if entries:
        return _by_list(entries, status, account)
    if account.uid == status.st_uid:
        return status.st_mode >> 6 & 7
    if status.st_gid in account.groups:
        return status.st_mode >> 3 & 7
    return status.st_mode & 7


def _entries(path: Path) -> Iterator[tuple[int, int, int]]:
    """Give the tag, permissions and id of each entry of the list; nothing where there is none."""
    try:
        raw = os.getxattr(path, _ACL)
    except OSError:
        # No list, or a file system without any: the mode bits are all there is.
        return
    yield from _ENTRY.iter_unpack(raw[_VERSION.size :])


def _by_list(entries: list[tuple[int, int, int]], status: os.stat_result, account: Account) -> int:
    """Decide as acl(5) says: owner, named user, any group that grants it, others."""
    mask = next((granted for tag, granted, _ in entries if tag == _MASK), 7)
    if account.uid == status.st_uid:
        return next(granted for tag, granted, _ in entries if tag == _USER_OWNER)
    for tag, granted, of in entries:
        if tag == _USER and of == account.uid:
            return granted & mask
    groups = [
        granted
        for tag, granted, of in entries
        if (tag == _GROUP_OWNER and status.st_gid in account.groups)
        or (tag == _GROUP and of in account.groups)
    ]
    if groups:
        together = 0
        for granted in groups:
            together |= granted
        return together & mask
    return next(granted for tag, granted, _ in entries if tag == _OTHER)
