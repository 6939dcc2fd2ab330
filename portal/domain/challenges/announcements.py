"""What organisers announce to everybody who sees their challenge."""

import uuid
from datetime import timedelta

from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.printable import is_printable

MAX_TITLE_CHARS = 120
MAX_TEXT_BYTES = 16 * 1024
MAX_A_DAY = 20
"""Announcements of a challenge in ``A_DAY``: each may be a mail to everybody who takes part."""
A_DAY = timedelta(days=1)
PAGE_SIZE = 10
"""Announcements on a page: each is shown with all of its text."""

_NAMES = uuid.UUID("6f0d2a3e-7b0c-5b57-9a54-0a5c0d1e8f42")
"""Under which the feed's names of announcements are made; it never changes."""


def feed_id(announcement_id: str) -> str:
    """Return the name that feeds have of something for ever, whatever the address of the site becomes."""
    return f"urn:uuid:{uuid.uuid5(_NAMES, announcement_id)}"


def checked_title(title: str) -> str:
    """Return a title on one line, as it is kept. Raises ``ParticipantError``."""
    title = " ".join(title.split())
    if not title:
        raise ParticipantError("Write a title.", reason="title")
    if len(title) > MAX_TITLE_CHARS:
        raise ParticipantError(f"A title has at most {MAX_TITLE_CHARS} characters.", reason="title")
    if not is_printable(title):
        raise ParticipantError("The title has characters that cannot be shown.", reason="title")
    return title


def checked_text(text: str) -> str:
    """Return a text with line feeds only, as it is kept. Raises ``ParticipantError``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ParticipantError("Write a text.", reason="text")
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise ParticipantError(
            f"A text has at most {MAX_TEXT_BYTES // 1024} KiB; letters with accents count twice.",
            reason="text",
        )
    if not all(is_printable(char) or char in "\n\t" for char in text):
        raise ParticipantError("The text has characters that cannot be shown.", reason="text")
    return text


def check_pace(made_in_a_day: int) -> None:
    """Refuse one more announcement of a challenge in a day. Raises ``QuotaExceededError``."""
    if made_in_a_day >= MAX_A_DAY:
        raise QuotaExceededError(
            f"A challenge has at most {MAX_A_DAY} announcements in 24 hours. Correct one, or wait."
        )
