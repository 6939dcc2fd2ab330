"""When phases and challenges are on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PhaseStatus(StrEnum):
    """Where a moment lies in a time window."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """From a moment up to, and without, another one."""

    starts_at: datetime
    ends_at: datetime

    def status(self, now: datetime) -> PhaseStatus:
        """Return whether it is on."""
        if now < self.starts_at:
            return PhaseStatus.UPCOMING
        return PhaseStatus.OPEN if now < self.ends_at else PhaseStatus.CLOSED


def challenge_status(windows: Sequence[TimeWindow], now: datetime) -> PhaseStatus:
    """Return where a challenge is that consists of these phases.

    Between two phases it is coming again; without any phase it is coming for ever.
    """
    statuses = {window.status(now) for window in windows}
    if PhaseStatus.OPEN in statuses:
        return PhaseStatus.OPEN
    return PhaseStatus.CLOSED if statuses == {PhaseStatus.CLOSED} else PhaseStatus.UPCOMING


def current(windows: Sequence[TimeWindow], now: datetime) -> int:
    """Return the place of the window to show first: the one that is on, else the last that was."""
    for wanted in (PhaseStatus.OPEN, PhaseStatus.CLOSED):
        matching = [place for place, window in enumerate(windows) if window.status(now) is wanted]
        if matching:
            return matching[-1]
    return 0
