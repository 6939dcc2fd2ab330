"""How far work on large files has got, and when it is to end: who reads or writes them says so chunk by chunk."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class StoppedError(Exception):
    """Nobody wants to have it any more."""


class FileTimeoutError(Exception):
    """It took longer than it may."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Of one piece of work; another thread may look at it, and tell it to stop."""

    deadline: float = math.inf
    """On the monotonic clock, in seconds."""
    size: int = 0
    """Bytes gone through so far: of what was packed, also those that came out of it."""
    is_unwanted: bool = False

    def advance(self, size: int) -> None:
        """Count bytes. Raises ``StoppedError`` and ``FileTimeoutError``."""
        self.size += size
        if self.is_unwanted:
            raise StoppedError
        if time.monotonic() > self.deadline:
            raise FileTimeoutError(f"not done within its time; {self.size} bytes were gone through")


_CURRENT: ContextVar[Progress | None] = ContextVar("progress", default=None)


@contextmanager
def followed(progress: Progress) -> Iterator[None]:
    """Count in ``progress`` what this thread does with files meanwhile."""
    token = _CURRENT.set(progress)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def advance(size: int) -> None:
    """Say that so many bytes more were read or written; raises what ``Progress.advance`` does."""
    if (current := _CURRENT.get()) is not None:
        current.advance(size)
