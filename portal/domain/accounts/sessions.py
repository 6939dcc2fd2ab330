"""How long a browser stays logged in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LOGIN_STATE_TTL = timedelta(minutes=30)
"""How long a login may take that was begun and not finished."""

LAST_SEEN_INTERVAL = timedelta(minutes=5)
"""How exactly it is known when a browser was last seen: a write per page would be too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """What the site allows."""

    idle: timedelta = timedelta(hours=12)
    """A browser that asks for nothing this long is logged out."""
    longest: timedelta = timedelta(days=7)
    """After this the person logs in again, however busy they were."""

    def expiry(self, *, logged_in: bool, now: datetime) -> datetime:
        """Return when a session that starts now is over at the latest."""
        return now + (self.longest if logged_in else LOGIN_STATE_TTL)

    def is_over(self, *, seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
        """Whether a session may no longer be used."""
        return now >= expires_at or now - seen_at >= self.idle


def is_worth_noting(*, seen_at: datetime, now: datetime) -> bool:
    """Whether the last sight of a browser is old enough to write down the new one."""
    return now - seen_at >= LAST_SEEN_INTERVAL
