"""What mails say. They hold nothing that is not on a page for everybody who gets them, and no score."""

from dataclasses import dataclass
from datetime import UTC, datetime

from portal.domain.mail.kinds import MailKind, MailTopic
from portal.domain.printable import is_printable

MAX_SUBJECT_CHARS = 200
MAX_CHALLENGE_CHARS = 60

_WHY = {
    MailTopic.ANNOUNCEMENTS: "You get this because you take part in {challenge} at {site}.",
    MailTopic.JOIN_DECISIONS: "You get this because you joined {challenge} at {site}, or asked to.",
    MailTopic.ANSWERS: "You get this because you asked the organisers of {challenge} at {site}.",
    MailTopic.CIRCULARS: "You get this because you joined {challenge} at {site}, or asked to.",
    MailTopic.QUESTIONS: "You get this because you organise {challenge} at {site}.",
}

_DECISIONS = {
    MailKind.JOIN_ADMITTED: (
        "The organisers have let you take part in {challenge}.\n\nGo on here: {address}\n"
    ),
    MailKind.JOIN_DECLINED: (
        "The organisers have declined your request to take part in {challenge}.\n\n{address}\n"
    ),
    MailKind.JOIN_REMOVED: (
        "The organisers have removed you from {challenge}.\n\nWhy, and how to go on: {address}/join\n"
    ),
    MailKind.JOIN_BANNED: (
        "The organisers have banned you from {challenge}.\n\nWhy, and whom to ask: {address}/join\n"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What mails say of the site."""

    name: str
    url: str
    """Without a slash at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that is ready to be sent."""

    id: str
    """The same for each try, so that whoever gets it twice sees it once."""
    to: str
    subject: str
    text: str
    unsubscribe: str
    """Address that takes a request to stop mails of the kind; empty for what comes once, to whoever is meant."""
    written_at: datetime


def one_line(text: str) -> str:
    """Return a text as it can stand in the head of a mail: on one line, without anything that cannot be seen."""
    return " ".join("".join(c if is_printable(c) else " " for c in text).split())


def subject_of(challenge: str, what: str) -> str:
    """Return the subject of a mail about a challenge."""
    title = one_line(challenge)
    if len(title) > MAX_CHALLENGE_CHARS:
        title = f"{title[: MAX_CHALLENGE_CHARS - 1]}…"
    return f"[{title}] {one_line(what)}"[:MAX_SUBJECT_CHARS]


def announcement_text(*, title: str, text: str, by: str, address: str) -> str:
    """Return the text of an announcement as a mail."""
    return f"{one_line(title)}\n\n{text.strip()}\n\n{one_line(by)}\n{address}\n"


def decision_text(kind: MailKind, *, challenge: str, address: str) -> str:
    """Return the text that says what was decided about somebody's taking part; the reason is on a page only."""
    return _DECISIONS[kind].format(challenge=one_line(challenge), address=address)


def answered_text(*, challenge: str, address: str) -> str:
    """Return the text that says that a question was answered; neither is in it."""
    return f"The organisers of {one_line(challenge)} have answered a question of yours: {address}\n"


def waiting_text(*, challenge: str, number: int, address: str) -> str:
    """Return the text that says how many questions wait; none of them is in it."""
    waits = "1 question waits" if number == 1 else f"{number} questions wait"
    return f"{waits} for an answer in {one_line(challenge)}: {address}\n"


def invitation_text(
    *, by: str, role: str, challenge: str, site: SiteFacts, address: str, until: datetime
) -> str:
    """Return the text that invites somebody to work for a challenge; ``role`` is what pages call it."""
    return (
        f"{one_line(by)} invites you to work for the challenge {one_line(challenge)} at {one_line(site.name)},"
        f" as {one_line(role)}.\n\n"
        f"Log in, see what it is, and accept it here: {address}\n\n"
        f"The link works once, until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC, for whoever opens it: do not"
        " pass it on. If you do not know what this is about, do nothing.\n"
    )


def with_foot(
    text: str, *, topic: MailTopic, challenge: str, site: SiteFacts, unsubscribe: str
) -> str:
    """Add why somebody gets a mail, and how to stop mails of the kind."""
    why = _WHY[topic].format(challenge=one_line(challenge), site=one_line(site.name))
    # Two dashes and a space: what programs take for the beginning of a signature.
    return (
        f"{text}\n-- \n{why}\nStop these mails: {unsubscribe}\nAll mails: {site.url}/account/mail\n"
    )
