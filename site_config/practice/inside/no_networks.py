"""Run a program that, with all its children, can make no network namespace: `no_networks.py ARGV...`.

On a machine with user.max_net_namespaces=0 the kernel answers ENOSPC. The setting is the whole machine's,
so here a filter of system calls gives the same answer to one program.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

_CLONE_NEWNET = 0x40000000
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
# Of each machine: its name in the filter, and the numbers of clone, unshare and clone3.
_MACHINES = {"x86_64": (0xC000003E, 56, 272, 435), "aarch64": (0xC00000B7, 220, 97, 435)}


def _program(architecture: int, clone: int, unshare: int, clone3: int) -> bytes:
    steps = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 0, 6, architecture),
        (_LOAD, 0, 0, _NUMBER),
        # clone3 hides its flags in memory; a program that learns that it does not exist takes clone.
        (_JUMP_EQUAL, 6, 0, clone3),
        (_JUMP_EQUAL, 1, 0, clone),
        (_JUMP_EQUAL, 0, 2, unshare),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_SET, 1, 0, _CLONE_NEWNET),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSPC),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def deny_networks() -> None:
    """Install the filter for this process and all that it starts; needs root."""
    code = _program(*_MACHINES[platform.machine()])
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    deny_networks()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (argv, no shell)
