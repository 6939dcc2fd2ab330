"""Locks that end with their holder: flock on a file, so that a killed process leaves none behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from site_config.practice.errors import PracticeError


@contextmanager
def locked(path: Path, *, seconds: float, what: str) -> Iterator[int]:
    """Hold the lock file *path*; yields its descriptor, which a child may inherit to hold it longer.

    Raises PracticeError when somebody else still holds it after *seconds*.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait(descriptor, deadline, what)
            # Whoever held it before may have removed the file, and others now lock a new one.
            if _is_file(descriptor, path):
                yield descriptor
                return
        finally:
            # Closing, not unlocking: a child that inherited the descriptor goes on holding the lock.
            os.close(descriptor)


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _wait(descriptor: int, deadline: float, what: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise PracticeError(
                    f"another command is still at work on {what}; try again later"
                ) from None
            time.sleep(0.05)
        else:
            return
