"""How often the cluster is asked: soon while something is about to change, seldom while not.

A site's scheduler serves everybody on the cluster. Its answers are asked for at a quick pace after
something has changed, more and more slowly while nothing does, never more often than the site's
ceiling; and when it does not answer, it is left alone for longer and longer (a circuit breaker).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

MIN_INTERVAL_SECONDS = 0.3
"""Seconds between two questions while something is about to change."""
SLOWDOWN = 1.25
"""By how much the pace slackens with every question that brings no news."""
MAX_SILENCE_SECONDS = 60.0
"""Seconds after which a cluster is asked for a sign of life where there was nothing else to ask."""
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 60.0
"""Seconds for which a cluster that does not answer is left alone: doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the site allows."""

    slowest: timedelta = timedelta(seconds=3)
    """Between two questions while nothing changes."""
    ceiling: int = 200
    """Most questions in a minute."""

    @property
    def quickest(self) -> float:
        """Return the seconds between two questions at the least."""
        return max(MIN_INTERVAL_SECONDS, 60 / self.ceiling)


class PollSchedule:
    """Says when one cluster may be asked again."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._interval = pace.quickest
        self._backoff = 0.0
        self._asked_at = -MAX_BACKOFF_SECONDS
        self.problem = ""
        """What the cluster said last instead of an answer, or beside it; for staff."""

    @property
    def answers(self) -> bool:
        """Whether the cluster answered when it was last asked; it does until it was."""
        return self._backoff == 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing was asked for so long that nobody knows whether there would be an answer."""
        return self._clock() >= self._asked_at + MAX_SILENCE_SECONDS

    @property
    def is_open(self) -> bool:
        """Whether the cluster is being left alone because it did not answer."""
        return self._backoff > 0 and self._clock() < self._asked_at + self._backoff

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask about the live jobs."""
        return self._clock() >= self._asked_at + (self._backoff or self._interval)

    def answered(self, *, changed: bool, problem: str = "") -> None:
        """Note that the cluster was asked and answered, and whether anything had changed."""
        self.problem = problem
        self._asked_at = self._clock()
        self._backoff = 0.0
        slower = min(self._interval * SLOWDOWN, self._pace.slowest.total_seconds())
        self._interval = self._pace.quickest if changed else max(slower, self._pace.quickest)

    def failed(self, problem: str = "") -> None:
        """Note that the cluster was asked and did not answer, or not wholly."""
        self.problem = problem
        self._asked_at = self._clock()
        self._backoff = min(MAX_BACKOFF_SECONDS, self._backoff * 2 or MIN_BACKOFF_SECONDS)

    def expect(self) -> None:
        """Note that something is about to change: a job was sent, or has ended."""
        self._interval = self._pace.quickest
