"""What a team can submit, and when it may."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.domain.errors import ParticipantError, QuotaExceededError


class SubmissionKind(StrEnum):
    """What the uploaded file is."""

    IMAGE = "image"
    CODE = "code"
    RESULTS = "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When and what a phase takes. Times are aware."""

    title: str
    starts_at: datetime
    ends_at: datetime
    kinds: frozenset[SubmissionKind]
    takes_late: bool = False
    """Whether what comes after the end is evaluated, without a rank."""
    late_until: datetime | None = None
    """Until when; None: without an end."""

    def is_late(self, now: datetime) -> bool:
        """Whether the end has passed."""
        return now >= self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many submissions of one team count. ``None``: no limit."""

    per_day: int | None = None
    per_week: int | None = None
    total: int | None = None
    running: int | None = None
    failed_per_day: int | None = None
    """Of those that failed by the team's own doing, which then count in no other limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a team has used in a phase."""

    today: int
    total: int
    week: int = 0
    failed_today: int = 0
    """Those that count apart; zero where none do."""
    extra: int = 0
    """Of the tries that organisers gave beside the limits; those are used where a limit has no room."""
    extra_given: int = 0


class LimitKind(StrEnum):
    """A limit that refuses submissions."""

    TOTAL = "total"
    WEEK = "week"
    DAY = "day"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of the limits of a phase. ``None``: no limit."""

    today: int | None
    week: int | None
    total: int | None
    failed_today: int | None
    reached: LimitKind | None = None
    """The limit that holds longest of those that are reached."""
    next_at: datetime | None = None
    """When there is room again; None if there is now, or will not be."""
    extra: int = 0
    """Tries that organisers gave beside the limits, and that are left."""

    @property
    def is_full(self) -> bool:
        """Whether nothing can be submitted now."""
        return self.reached is not None and self.extra == 0

    @property
    def uses_extra(self) -> bool:
        """Whether what is submitted now uses one of the extra tries."""
        return self.reached is not None and self.extra > 0


def start_of_day(now: datetime) -> datetime:
    """Return the last midnight in UTC: the day that ``per_day`` counts."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def start_of_week(now: datetime) -> datetime:
    """Return the start of the last Monday in UTC: the week that ``per_week`` counts, as ISO 8601 has weeks."""
    day = start_of_day(now)
    return day - timedelta(days=day.weekday())


def room(limits: Limits, used: Used, *, ends_at: datetime | None, now: datetime) -> Room:
    """Return what is left, for pages, API and refusals alike; nothing is taken from ``ends_at`` on."""
    left = Room(
        today=_left(limits.per_day, used.today),
        week=_left(limits.per_week, used.week),
        total=_left(limits.total, used.total),
        failed_today=_left(limits.failed_per_day, used.failed_today),
        extra=max(used.extra_given - used.extra, 0),
    )
    if left.total == 0:
        return replace(left, reached=LimitKind.TOTAL)
    tomorrow = start_of_day(now) + timedelta(days=1)
    reached = [
        (until, kind)
        for until, kind, number in (
            (start_of_week(now) + timedelta(days=7), LimitKind.WEEK, left.week),
            (tomorrow, LimitKind.DAY, left.today),
            (tomorrow, LimitKind.FAILED, left.failed_today),
        )
        if number == 0
    ]
    if not reached:
        return left
    until, kind = max(reached, key=lambda one: one[0])
    return replace(
        left, reached=kind, next_at=until if ends_at is None or until < ends_at else None
    )


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 0)


def check_window(window: Window, kind: SubmissionKind, *, now: datetime) -> None:
    """Refuse a submission outside the window or of a kind that the phase does not take."""
    if now < window.starts_at:
        raise ParticipantError(
            f"{window.title} opens at {_minute(window.starts_at)}. It is {_minute(now)} now.",
            reason="not_open",
        )
    if window.is_late(now):
        _check_late(window, now)
    if kind not in window.kinds:
        taken = ", ".join(sorted(window.kinds))
        raise ParticipantError(f"{window.title} takes these kinds only: {taken}.", reason="kind")


def _check_late(window: Window, now: datetime) -> None:
    last = window.late_until if window.takes_late else window.ends_at
    if last is None or now < last:
        return
    name, end, late = window.title, _minute(last), _late(now - last)
    complete = _minute(now)
    raise ParticipantError(
        f"{name} closed at {end}. Your submission was complete at {complete}."
        f" That is {late} too late: this file was rejected."
        if last == window.ends_at
        else f"{name} took late submissions until {end}. Your submission was complete at {complete}."
        f" That is {late} too late: this file was rejected.",
        reason="closed",
    )


def check_quota(limits: Limits, used: Used, *, ends_at: datetime | None, now: datetime) -> bool:
    """Refuse a submission that a limit has no room for, and say when there is room again.

    Return whether it uses a try that organisers gave.
    """
    left = room(limits, used, ends_at=ends_at, now=now)
    if left.reached is None or left.uses_extra:
        return left.uses_extra
    sentence = {
        LimitKind.TOTAL: f"Your team has used all {limits.total} submissions of this phase.",
        LimitKind.WEEK: f"Your team has used its {limits.per_week} submissions of this week (Monday to Sunday, UTC).",
        LimitKind.DAY: f"Your team has used its {limits.per_day} submissions of today.",
        LimitKind.FAILED: f"{used.failed_today} of your team's submissions have failed today, and at most"
        f" {limits.failed_per_day} may.",
    }[left.reached]
    if left.next_at is not None:
        sentence += (
            f" The next can be submitted from {_minute(left.next_at)},"
            f" in {how_long(left.next_at - now)}."
        )
    elif left.reached is not LimitKind.TOTAL:
        sentence += " The phase ends before there is room again."
    raise QuotaExceededError(sentence, next_at=left.next_at)


MAX_EXTRA_TRIES = 100
"""Tries that organisers can give a team at once."""


def check_extra_tries(number: int) -> None:
    """Refuse a number of tries that is none. Raises ``ParticipantError``."""
    if not 1 <= number <= MAX_EXTRA_TRIES:
        raise ParticipantError(f"Write a number from 1 to {MAX_EXTRA_TRIES}.", reason="number")


SMOKE_PER_DAY = 20
"""Smoke runs of a team in a challenge on one day, cancelled ones too; only one at a time."""


def check_smoke(kind: SubmissionKind, *, today: int, running: int, is_offered: bool) -> None:
    """Refuse a run on the public sample that cannot be made."""
    if not is_offered:
        raise ParticipantError("This phase has no runs on a public sample.", reason="smoke")
    if kind is SubmissionKind.RESULTS:
        raise ParticipantError("Results are not run, so there is no log of them.", reason="smoke")
    if running:
        raise ParticipantError(
            "Wait until your team's run on the sample has ended.", reason="smoke"
        )
    if today >= SMOKE_PER_DAY:
        raise QuotaExceededError(
            f"Your team has made its {SMOKE_PER_DAY} runs on the sample of today."
        )


def how_long(wait: timedelta) -> str:
    """Write how long somebody has to wait, in days, hours and minutes, never less than it is."""
    minutes = max(1, math.ceil(wait / timedelta(minutes=1)))
    parts = (
        (minutes // 1440, "day"),
        (minutes // 60 % 24, "hour"),
        (minutes % 60, "minute"),
    )
    return " ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts if n)


def _late(by: timedelta) -> str:
    """Write how late something came, in the largest unit of which there is one."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if number := int(by.total_seconds()) // length:
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
