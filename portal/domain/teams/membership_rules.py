"""Who may compete together: sizes, the day on which rosters freeze, and the rule for mergers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.domain.accounts.claims import clean_name
from portal.domain.errors import ParticipantError
from portal.domain.submissions.limits import Limits, start_of_day, start_of_week

INVITATION_LASTS = timedelta(days=7)
"""After this a link lets nobody in any more."""

MAX_TEAM_NAME_CHARS = 60


class ParticipationState(StrEnum):
    """How far somebody is with taking part in a challenge."""

    ASKED = "asked"
    ADMITTED = "admitted"
    DECLINED = "declined"
    REMOVED = "removed"  #: took part, and may ask or join again
    BANNED = "banned"  #: neither joins nor submits until the organisers lift the ban

    @property
    def is_out(self) -> bool:
        """Whether the organisers have put the person out of the challenge."""
        return self in {ParticipationState.REMOVED, ParticipationState.BANNED}


class MergeState(StrEnum):
    """What became of a team's wish to merge."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseUse:
    """What two teams that want to merge have used of a phase."""

    title: str
    starts_at: datetime
    ends_at: datetime
    limits: Limits
    used: tuple[int, int]
    """Submissions that count, of one team and of the other."""


def terms_digest(terms: str) -> str:
    """Return the SHA-256 of a challenge's terms, in hex; empty where there are none."""
    return hashlib.sha256(terms.encode()).hexdigest() if terms.strip() else ""


def must_accept(terms: str, accepted_sha256: str | None) -> bool:
    """Whether the terms, as they are now, have not been accepted yet."""
    return terms_digest(terms) not in {"", accepted_sha256}


def check_frozen(freeze_at: datetime | None, *, now: datetime) -> None:
    """Refuse a change of who is in which team once the rosters are frozen."""
    if freeze_at is not None and now >= freeze_at:
        raise ParticipantError(
            f"Teams have been fixed since {freeze_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: nobody "
            "joins, leaves or merges any more.",
            reason="frozen",
        )


def check_size(members: int, largest: int) -> None:
    """Refuse a team that would be larger than the challenge allows."""
    if members > largest:
        raise ParticipantError(
            f"A team of this challenge has at most {largest} "
            f"member{'' if largest == 1 else 's'}; this would make {members}.",
            reason="full",
        )


def check_merge(phases: Iterable[PhaseUse], *, now: datetime) -> None:
    """Refuse a merger that would bring together more submissions than one team could have made.

    Kaggle's rule (its competition rules, on team mergers): the submissions of both together must
    not be more than the maximum allowed as of the merge date. That is the total limit, and the
    limits per day and per week for each day and week (UTC) in which the phase has been open so
    far, the present one included.
    """
    for phase in phases:
        together = sum(phase.used)
        total = phase.limits.total
        if total is not None and together > total:
            raise ParticipantError(_too_many(phase, together, f"{total} in all"), reason="merge")
        if now < phase.starts_at:
            continue
        for limit, word, number in (
            (phase.limits.per_day, "day", _days_open(phase, now)),
            (phase.limits.per_week, "week", _weeks_open(phase, now)),
        ):
            if limit is not None and together > limit * number:
                so_far = (
                    f"{limit * number} so far: {limit} a {word} for {number} "
                    f"{word}{'' if number == 1 else 's'}"
                )
                raise ParticipantError(_too_many(phase, together, so_far), reason="merge")


def team_name(wish: str) -> str:
    """Return a name for a team on one line. Raises ``ParticipantError`` if nothing is left of it."""
    name = clean_name(wish)[:MAX_TEAM_NAME_CHARS].strip()
    if not name:
        raise ParticipantError("Write a name for the team.", reason="name")
    return name


def _days_open(phase: PhaseUse, now: datetime) -> int:
    last = start_of_day(min(now, phase.ends_at))
    return (last - start_of_day(phase.starts_at)).days + 1


def _weeks_open(phase: PhaseUse, now: datetime) -> int:
    last = start_of_week(min(now, phase.ends_at))
    return (last - start_of_week(phase.starts_at)).days // 7 + 1


def _too_many(phase: PhaseUse, together: int, limit: str) -> str:
    one, other = phase.used
    return (
        f"Together you have {together} submissions that count in {phase.title} ({one} and {other}), "
        f"and one team may have {limit}."
    )
