"""The few Linux system calls that Python 3.11 does not offer: namespaces, mounts, no_new_privs.

All of them raise OSError with the kernel's errno.
"""

import ctypes
import os
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MNT_DETACH = 2

_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, subject: object) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: {subject}")


def unshare(flags: int) -> None:
    """Move the calling process into new namespaces (CLONE_NEW* joined by |)."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(
    source: object, target: object, kind: str = "", flags: int = 0, options: str = ""
) -> None:
    """Put *source* at *target*; as the system call of that name does."""
    result = _libc.mount(
        str(source).encode(),
        str(target).encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, f"mount {kind or source} on {target}")


def bind(source: Path, target: Path, flags: int = 0) -> None:
    """Show *source* with all that is mounted below it at *target*, with the given MS_* restrictions."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if flags:
        # The kernel ignores restrictions in the first bind call.
        mount("none", target, flags=MS_REMOUNT | MS_BIND | flags)


def make_mounts_private() -> None:
    """Let no later mount of this namespace be seen outside, nor the other way round."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def unmount(target: Path) -> None:
    """Take the mount at *target* out of sight now and end it when nobody uses it any more."""
    _check(_libc.umount2(str(target).encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def forbid_new_privileges() -> None:
    """Make set-user-id programs powerless for this process and all that it starts."""
    result = _libc.prctl(
        ctypes.c_int(_PR_SET_NO_NEW_PRIVS), *(ctypes.c_ulong(n) for n in (1, 0, 0, 0))
    )
    _check(result, "no_new_privs")
