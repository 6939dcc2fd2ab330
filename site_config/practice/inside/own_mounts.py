"""Run a program in a mount namespace of its own: `own_mounts.py [--hide=FILE]... ARGV...`.

slurmd needs one per node, in which what is hidden is an empty file that nobody can open: the devices of
another node of the same machine. It also keeps each job's mount namespace by bind-mounting it, which the kernel
allows only if the job's namespace has the higher number: that is how it rules out loops. Since Linux 6.18
each CPU numbers from a block of its own, so that a later namespace can have a lower number and jobs
fail at random, with "ns base mount failed: Invalid argument". A namespace made on the CPU with the
lowest block is below all that come later.
"""

import ctypes
import fcntl
import os
import struct
import sys
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_MS_BIND = 4096
_NS_GET_MNTNS_ID = 0x8008B705  # from linux/nsfs.h

_libc = ctypes.CDLL(None, use_errno=True)


def _unshare_mounts() -> None:
    if _libc.unshare(_CLONE_NEWNS) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _namespace_number() -> int:
    with Path("/proc/self/ns/mnt").open("rb") as namespace:
        answer = fcntl.ioctl(namespace.fileno(), _NS_GET_MNTNS_ID, bytes(8))
    return int(struct.unpack("Q", answer)[0])


def enter_lowest_namespace() -> None:
    """Move this process into a new mount namespace that is numbered below all later ones."""
    cpus = os.sched_getaffinity(0)
    numbers = {}
    for cpu in sorted(cpus):
        os.sched_setaffinity(0, {cpu})
        _unshare_mounts()
        try:
            numbers[cpu] = _namespace_number()
        except OSError:
            # A kernel too old to tell the number is too old to have the blocks.
            break
    if numbers:
        os.sched_setaffinity(0, {min(numbers, key=lambda cpu: numbers[cpu])})
        _unshare_mounts()
    os.sched_setaffinity(0, cpus)


def hide(file: str) -> None:
    """Put an empty file in the place of *file*, in this namespace only."""
    cover = Path("/run/practice-hidden")
    cover.touch(mode=0o000)
    if _libc.mount(str(cover).encode(), file.encode(), None, _MS_BIND, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), file)


def main(words: list[str]) -> None:
    """Enter the namespace, hide what is to be hidden, and become the program."""
    enter_lowest_namespace()
    while words[0].startswith("--hide="):
        hide(words.pop(0).removeprefix("--hide="))
    os.execvp(words[0], words)  # noqa: S606 (argv, no shell)


if __name__ == "__main__":
    main(sys.argv[1:])
