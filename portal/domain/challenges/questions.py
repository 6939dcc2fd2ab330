"""Questions that participants ask the organisers of a challenge, and what becomes of them."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.domain.errors import ParticipantError, QuotaExceededError

MAX_A_DAY = 10
"""Questions of one person in a challenge in ``A_DAY``."""
MAX_WAITING = 5
"""Questions of one person in a challenge that wait for an answer at the same time."""
A_DAY = timedelta(days=1)
MAX_NOTE_CHARS = 500
PAGE_SIZE = 20

BUNDLED_FOR = timedelta(minutes=15)
"""A mail about new questions waits so long for others."""
MAIL_WINDOW = timedelta(hours=4)
"""In each of these an organiser gets one mail about a challenge's new questions at most."""


class Asking(StrEnum):
    """Whether questions are asked in a challenge, and who reads those that were answered publicly."""

    NOBODY = "nobody"
    PARTICIPANTS = "participants"
    EVERYBODY = "everybody"


class QuestionState(StrEnum):
    """What became of a question."""

    WAITING = "waiting"
    ANSWERED = "answered"
    PRIVATE = "private"  #: answered to whoever asked only
    CLOSED = "closed"  #: there will be no answer
    HIDDEN = "hidden"  #: nobody but organisers reads it; whoever asked reads why


OPEN_TO_ALL = frozenset({QuestionState.ANSWERED})
"""What others than the asker and organisers read."""
OVER = frozenset({QuestionState.CLOSED, QuestionState.HIDDEN})
"""What organisers end with a reason."""


def check_pace(*, asked_in_a_day: int, waiting: int) -> None:
    """Refuse one more question of a person. Raises ``QuotaExceededError``."""
    if waiting >= MAX_WAITING:
        raise QuotaExceededError(
            f"{MAX_WAITING} of your questions wait for an answer. Ask again once one is answered."
        )
    if asked_in_a_day >= MAX_A_DAY:
        raise QuotaExceededError(
            f"A person asks at most {MAX_A_DAY} questions in 24 hours. Ask the next one later."
        )


def clean_note(written: str) -> str:
    """Return why a question is hidden or closed, on one line. Raises ``ParticipantError``."""
    note = " ".join(written.split())
    if not note:
        raise ParticipantError("Say why: whoever asked reads it.", reason="note")
    if len(note) > MAX_NOTE_CHARS:
        raise ParticipantError(f"Write at most {MAX_NOTE_CHARS} characters.", reason="note")
    return note


def is_shown(state: QuestionState, *, is_own: bool, reads_answers: bool) -> bool:
    """Whether somebody who does not organise the challenge reads a question."""
    return is_own or (reads_answers and state in OPEN_TO_ALL)


def window_of(now: datetime) -> datetime:
    """Return when the window of mails began in which a moment is."""
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    return epoch + (now - epoch) // MAIL_WINDOW * MAIL_WINDOW


def states_of(wanted: str) -> Collection[QuestionState]:
    """Return the states that a filter means; none for what is no filter."""
    if wanted == "all":
        return tuple(QuestionState)
    return (QuestionState(wanted),) if wanted in set(QuestionState) else ()
