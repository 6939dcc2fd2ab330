"""Waiting for what does come: as long as a busy machine may need, and no longer than until it is there."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 300.0
"""Seconds. Only a test that fails waits for all of them."""


_Seen = TypeVar("_Seen")


def until(
    is_so: Callable[[], bool], *, pause: float = 0.1, what: str = "it did not happen"
) -> None:
    """Wait until ``is_so``; fail with ``what`` if patience ends before."""
    once(is_so, bool, pause=pause, what=what)


def once(
    look: Callable[[], _Seen],
    is_so: Callable[[_Seen], object],
    *,
    pause: float = 0.1,
    what: str = "",
) -> _Seen:
    """Look until what is seen ``is_so``, and return it; fail with ``what``, or what was seen last."""
    deadline = time.monotonic() + PATIENCE
    while not is_so(seen := look()):
        assert time.monotonic() < deadline, what or seen
        time.sleep(pause)
    return seen
