"""Putting somebody out of a challenge: removed, who may come again, and banned, who may not.

It is about one person in one challenge. Others in the team go on with it: the person leaves, and what the team has
submitted and used of its limits stays with the team, whoever of it submitted. Somebody who is alone in a team stays in
it, so that the results keep their name and the person can read them; nobody else can join it or merge with it.
"""

from portal.domain.errors import ParticipantError

MAX_REASON_CHARS = 500
MAX_CONTACT_CHARS = 200

NO_REASON = "Say why: the person reads it."


def clean_reason(written: str) -> str:
    """Return a reason on one line; raise ``ParticipantError`` without one, or for one that is too long."""
    reason = " ".join(written.split())
    if not reason:
        raise ParticipantError(NO_REASON, reason="reason")
    return _short(reason, MAX_REASON_CHARS, "reason")


def clean_contact(written: str) -> str:
    """Return whom to ask about it, on one line; empty for the support of the site."""
    return _short(" ".join(written.split()), MAX_CONTACT_CHARS, "contact")


def ends_evaluations(members: int, *, is_ban: bool) -> bool:
    """Whether what runs for the person's team is cancelled: with a ban, and as nobody else has a part in it.

    What runs for a team of several is the others' as well, and ends by itself; so does what runs for somebody who may
    come again.
    """
    return is_ban and members <= 1


def _short(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise ParticipantError(f"Write at most {most} characters.", reason=field)
    return text
