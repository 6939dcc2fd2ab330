"""Marks on a submission: what each does on the board, who makes it, and which do not go together."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from portal.domain.errors import ParticipantError

MAX_REASON_CHARS = 500


class Mark(StrEnum):
    """What organisers, or its team, say of a submission; each can be taken off again."""

    HIDDEN = "hidden"  #: off the board while something is looked into
    DISQUALIFIED = "disqualified"  #: off the board, against the rules
    UNRANKED = "unranked"  #: on the board without a rank
    VERIFIED = "verified"  #: looked at by the organisers, and as it should be
    WITHDRAWN = "withdrawn"  #: off the board as its team wants


BY_ORGANISERS = frozenset({Mark.HIDDEN, Mark.DISQUALIFIED, Mark.UNRANKED, Mark.VERIFIED})
OFF_THE_BOARD = frozenset({Mark.HIDDEN, Mark.DISQUALIFIED, Mark.WITHDRAWN})
"""A submission with one of these stands for nobody: the next of its team does."""
FORGOTTEN = frozenset({Mark.HIDDEN, Mark.DISQUALIFIED})
"""What the Ladder shows after such a submission, it shows as if that had not been there.

Not of a withdrawn one: a team could withdraw what climbed, again and again, to read all that the Ladder keeps back.
"""

_OPPOSITES = frozenset({Mark.HIDDEN, Mark.DISQUALIFIED})

NO_REASON = "Say why: the team reads it, and the audit log keeps it."
ON_SAMPLE = "A run on the public sample has no score: there is nothing to mark."
OVER = "The phase is over: only the organisers can change what stands on its leaderboard now."


def clean_reason(written: str) -> str:
    """Return a reason on one line; raise ``ParticipantError`` without one, or for one that is too long."""
    reason = " ".join(written.split())
    if not reason:
        raise ParticipantError(NO_REASON, reason="reason")
    if len(reason) > MAX_REASON_CHARS:
        raise ParticipantError(f"Write at most {MAX_REASON_CHARS} characters.", reason="reason")
    return reason


def check_mark(mark: Mark, present: Collection[Mark], *, is_smoke: bool) -> None:
    """Refuse a mark that says the opposite of one that is there. Raises ``ParticipantError``."""
    if mark not in BY_ORGANISERS:
        raise ParticipantError("Only its team can withdraw a submission.", reason="mark")
    if is_smoke:
        raise ParticipantError(ON_SAMPLE, reason="sample")
    opposites = _OPPOSITES if mark is Mark.VERIFIED else frozenset({Mark.VERIFIED})
    if mark in _OPPOSITES | {Mark.VERIFIED} and (found := opposites & set(present)):
        raise ParticipantError(
            f"It is marked as {min(found)}, and cannot be {mark} as well. Take that off first.",
            reason="mark",
        )


def check_withdrawal(*, ends_at: datetime, now: datetime, is_open: bool, is_smoke: bool) -> None:
    """Refuse to withdraw, or to take that back, what is on no board, or once its phase is over. Raises ``ParticipantError``.

    After the end a team would choose among scores that have been revealed.
    """
    if is_smoke:
        raise ParticipantError(ON_SAMPLE, reason="sample")
    if not is_open or now >= ends_at:
        raise ParticipantError(OVER, reason="closed")
