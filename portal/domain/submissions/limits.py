"""What a team can submit, and when it may."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many submissions of one team count. ``None``: no limit."""

    per_day: int | None = None
    total: int | None = None
    running: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a team has used in a phase."""

    today: int
    total: int


def start_of_day(now: datetime) -> datetime:
    """Return the last midnight in UTC: the day that ``per_day`` counts."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def check_window(window: Window, kind: SubmissionKind, *, now: datetime) -> None:
    """Refuse a submission outside the window or of a kind that the phase does not take."""
    if now < window.starts_at:
        raise ParticipantError(
            f"{window.title} opens at {_minute(window.starts_at)}. It is {_minute(now)} now.",
            reason="not_open",
        )
    if now >= window.ends_at:
        raise ParticipantError(
            f"{window.title} closed at {_minute(window.ends_at)}. "
            f"Your submission was complete at {_minute(now)}. "
            f"That is {_late(now - window.ends_at)} too late: this file was rejected.",
            reason="closed",
        )
    if kind not in window.kinds:
        taken = ", ".join(sorted(window.kinds))
        raise ParticipantError(f"{window.title} takes these kinds only: {taken}.", reason="kind")


def check_quota(limits: Limits, used: Used, *, now: datetime) -> None:
    """Refuse a submission that no limit has room for, and say when there is room again."""
    if limits.total is not None and used.total >= limits.total:
        raise QuotaExceededError(
            f"Your team has used all {limits.total} submissions of this phase."
        )
    if limits.per_day is not None and used.today >= limits.per_day:
        again = start_of_day(now) + timedelta(days=1)
        raise QuotaExceededError(
            f"Your team has used its {limits.per_day} submissions of today. "
            f"The next can be submitted from {_minute(again)}."
        )


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


def _late(by: timedelta) -> str:
    """Write how late something came, in the largest unit of which there is one."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if number := int(by.total_seconds()) // length:
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
