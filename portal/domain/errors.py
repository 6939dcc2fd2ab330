"""Failures by who can do something about them.

* PortalError
  + ParticipantError    the person can act; the sentence is shown as written
    - NotFoundError       no such thing, or not for this person: the two look the same
    - NotAllowedError     the person may know that it exists, but not do this
    - QuotaExceededError  a limit of the phase is reached
  + OperatorError       only the site can act; people see a reference number
    - UntrustedValueError   the web account may have written it, and it is not what it has to be
"""

from datetime import datetime


class PortalError(Exception):
    """Base class."""


class ParticipantError(PortalError):
    """The person can fix this. ``reason`` is a short code for logs and metrics."""

    reason = "refused"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason


class NotFoundError(ParticipantError):
    """There is no such thing for this person."""

    reason = "not_found"

    def __init__(self, message: str = "There is no such page, or it is not open to you.") -> None:
        super().__init__(message)


class NotAllowedError(ParticipantError):
    """The person is known and may not do this."""

    reason = "not_allowed"


class QuotaExceededError(ParticipantError):
    """A limit of the phase is reached; ``next_at`` is when there is room again, None if there never is."""

    reason = "quota"

    def __init__(self, message: str, *, next_at: datetime | None = None) -> None:
        super().__init__(message)
        self.next_at = next_at


class OperatorError(PortalError):
    """Only the site can fix this; the detail goes to the log."""


class UntrustedValueError(OperatorError):
    """A value that the web account can write is not what it has to be: nothing is done with it."""

    def __init__(self, where: str, why: str, value: object) -> None:
        max_chars = 80
        shown = ascii(value)
        shown = shown if len(shown) <= max_chars else f"{shown[:max_chars]}..."
        super().__init__(f"{where} is {why}: {shown}")
        self.where = where
        """Table and column, or the file."""
