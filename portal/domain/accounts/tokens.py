"""API tokens: what they may be used for, how long they live, and how they look."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

PREFIX = "sealrun_"
"""Starts every token, so that people and scanners of secrets know one when they see it."""

MAX_LIFETIME = timedelta(days=365)
"""A token always expires; this is the latest that it can."""


class Scope(StrEnum):
    """What somebody lets a token do in their name."""

    READ = "read"
    SUBMIT = "submit"
    ORGANISE = "organise"


ALL_SCOPES = frozenset(Scope)
"""What people may do themselves, in a browser."""

MAX_LIVE = 50
"""Tokens of one person that work at the same time."""


def digest(secret: str) -> str:
    """Return the sha256 in hex of a token: all that is stored of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


LIFETIMES = (1, 7, 30, 90, 365)
"""Days that people can choose from."""


class TokenState(StrEnum):
    """Whether a token lets anybody in."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


def state_of(*, expires_at: datetime, revoked_at: datetime | None, now: datetime) -> TokenState:
    """Return whether a token works now; what was revoked stays so."""
    if revoked_at is not None:
        return TokenState.REVOKED
    return TokenState.EXPIRED if now >= expires_at else TokenState.LIVE
