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
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(descriptor, seconds=seconds, what=what)
        yield descriptor
    finally:
        # Closing, not unlocking: a child that inherited the descriptor goes on holding the lock.
        os.close(descriptor)


def _wait(descriptor: int, *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise PracticeError(
                    f"another command is still at work on {what} after {seconds:.0f} s; try again later"
                ) from None
            time.sleep(0.05)
        else:
            return
