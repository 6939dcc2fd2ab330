"""Mails that organisers write to participants, chosen by how far these are."""

from datetime import timedelta
from enum import StrEnum

from portal.domain.errors import QuotaExceededError

MAX_A_DAY = 5
"""Circulars of a challenge in ``A_DAY``: each is a mail to everybody whom it is for."""
A_DAY = timedelta(days=1)
PAGE_SIZE = 20


class Recipients(StrEnum):
    """Whom a circular is for."""

    ALL = "all"
    NO_SUBMISSION = "no_submission"
    FAILED = "failed"
    SCORED = "scored"
    ASKED = "asked"


OF_A_PHASE = frozenset({Recipients.NO_SUBMISSION, Recipients.FAILED, Recipients.SCORED})
"""Those that can be about one phase only."""


def check_pace(sent_in_a_day: int) -> None:
    """Refuse one more circular of a challenge in a day. Raises ``QuotaExceededError``."""
    if sent_in_a_day >= MAX_A_DAY:
        raise QuotaExceededError(
            f"A challenge sends at most {MAX_A_DAY} mails to participants in 24 hours. Wait, or announce it."
        )
