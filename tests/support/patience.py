"""Waiting for what does come: as long as a busy machine may need, and no longer than until it is there."""

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds. Only a test that fails waits for all of them."""


def until(
    is_so: Callable[[], bool], *, pause: float = 0.1, what: str = "it did not happen"
) -> None:
    """Wait until ``is_so``; fail with ``what`` if patience ends before."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(pause)
