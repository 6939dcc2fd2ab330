"""Inviting somebody by e-mail to work for a challenge: how long a link works, and how many there may be."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.mail.addresses import MAX_ADDRESS_CHARS, is_address
from portal.domain.permissions import Role

LASTS = timedelta(days=14)
MAX_OPEN = 20
"""Invitations of one challenge that work at the same time."""
MAX_A_DAY = 20
"""Mails that one person sends to addresses in 24 hours, whichever challenges they are for."""
A_DAY = timedelta(days=1)

NO_GOOD = (
    "This invitation does not work: it has expired, was withdrawn or has been accepted, or part of the address"
    " is missing. Ask whoever has invited you for a new one."
)

_RANK: Mapping[Role, int] = {Role.REVIEWER: 0, Role.ORGANISER: 1, Role.OWNER: 2}


def checked_address(written: str) -> str:
    """Return one plain address, as it is kept. Raises ``ParticipantError``."""
    address = written.strip()
    if len(address) > MAX_ADDRESS_CHARS or not is_address(address):
        raise ParticipantError("Write one plain e-mail address.", reason="address")
    return address


def check_pace(*, open_now: int, made_in_a_day: int) -> None:
    """Refuse one more invitation. Raises ``QuotaExceededError``."""
    if open_now >= MAX_OPEN:
        raise QuotaExceededError(
            f"A challenge has at most {MAX_OPEN} open invitations. Withdraw one of them first."
        )
    if made_in_a_day >= MAX_A_DAY:
        raise QuotaExceededError(
            f"You have sent {MAX_A_DAY} invitations in 24 hours. Wait until the first is older."
        )


def is_usable(
    *,
    expires_at: datetime,
    withdrawn_at: datetime | None,
    accepted_at: datetime | None,
    now: datetime,
) -> bool:
    """Whether an invitation can still be accepted."""
    return withdrawn_at is None and accepted_at is None and now < expires_at


def gives_more(role: Role, had: Role | None) -> bool:
    """Whether a role is more than the one that somebody has: an invitation takes nothing away."""
    return had is None or _RANK[role] > _RANK[had]
