"""What mails there are, what people can refuse, and how long is tried to deliver one."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum


class MailKind(StrEnum):
    """What a mail says."""

    ANNOUNCEMENT = "announcement"
    JOIN_ADMITTED = "join_admitted"
    JOIN_DECLINED = "join_declined"
    JOIN_REMOVED = "join_removed"
    JOIN_BANNED = "join_banned"
    QUESTION_ANSWERED = "question_answered"
    QUESTIONS_WAITING = "questions_waiting"
    CIRCULAR = "circular"
    ROLE_INVITATION = "role_invitation"
    """To an address, which need not be anybody's here: nobody has chosen to get it, and it comes once."""


class MailTopic(StrEnum):
    """What people choose to get or not to get."""

    ANNOUNCEMENTS = "announcements"
    JOIN_DECISIONS = "join_decisions"
    ANSWERS = "answers"
    QUESTIONS = "questions"
    CIRCULARS = "circulars"


TOPICS: Mapping[MailKind, MailTopic] = {
    MailKind.ANNOUNCEMENT: MailTopic.ANNOUNCEMENTS,
    MailKind.JOIN_ADMITTED: MailTopic.JOIN_DECISIONS,
    MailKind.JOIN_DECLINED: MailTopic.JOIN_DECISIONS,
    MailKind.JOIN_REMOVED: MailTopic.JOIN_DECISIONS,
    MailKind.JOIN_BANNED: MailTopic.JOIN_DECISIONS,
    MailKind.QUESTION_ANSWERED: MailTopic.ANSWERS,
    MailKind.QUESTIONS_WAITING: MailTopic.QUESTIONS,
    MailKind.CIRCULAR: MailTopic.CIRCULARS,
}


class MailState(StrEnum):
    """How far a mail is."""

    QUEUED = "queued"
    SENT = "sent"  #: a server has accepted it
    DROPPED = "dropped"  #: not sent: it is not wanted any more, or there is no address
    FAILED = "failed"  #: given up


PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=4),
)
"""Before the second try of a mail that a server put off, and before each further one; the last goes on."""
GIVE_UP_AFTER = timedelta(days=3)
"""A mail that was not accepted so long after it was queued is given up."""
CLAIM_LASTS = timedelta(minutes=15)
"""After this a mail is sent again whose sending was not recorded: its worker was killed."""


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries."""
    return PAUSES[min(max(tries, 1), len(PAUSES)) - 1]
