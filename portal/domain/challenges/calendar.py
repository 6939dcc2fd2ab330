"""When phases and challenges are on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Season(StrEnum):
    """Where a moment lies in a time window."""

    COMING = "coming"
    OPEN = "open"
    PAST = "past"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From a moment up to, and without, another one."""

    starts_at: datetime
    ends_at: datetime

    def season(self, now: datetime) -> Season:
        """Return whether it is on."""
        if now < self.starts_at:
            return Season.COMING
        return Season.OPEN if now < self.ends_at else Season.PAST


def season_of(spans: Sequence[Span], now: datetime) -> Season:
    """Return where a challenge is that consists of these phases.

    Between two phases it is coming again; without any phase it is coming for ever.
    """
    seasons = {span.season(now) for span in spans}
    if Season.OPEN in seasons:
        return Season.OPEN
    return Season.PAST if seasons == {Season.PAST} else Season.COMING


def current(spans: Sequence[Span], now: datetime) -> int:
    """Return the place of the span to show first: the one that is on, else the last that was."""
    for wanted in (Season.OPEN, Season.PAST):
        matching = [place for place, span in enumerate(spans) if span.season(now) is wanted]
        if matching:
            return matching[-1]
    return 0
