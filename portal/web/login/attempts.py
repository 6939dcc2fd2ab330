"""Logins that a browser has begun: what was asked is kept in its session until the answer comes."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from portal.domain.accounts.sessions import LOGIN_STATE_TTL
from portal.web.login.failures import LoginError

KEPT = "logins"
"""Under which name they are in the session's data."""

MAX_ATTEMPTS = 5
"""How many a browser can have begun at once: one a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One login that was begun."""

    provider: str
    nonce: str
    verifier: str
    """Of PKCE."""
    back: str
    """The page to go to afterwards."""
    begun_at: float
    """In seconds since 1970."""
    links: str = ""
    """To whom the login is to be added; empty: it logs somebody in."""
    challenge: str = ""
    """The slug of the challenge whose gate it has to open as well."""


def new_attempt(
    *, provider: str, back: str, now: datetime, links: str = "", challenge: str = ""
) -> Attempt:
    """Return an attempt with new secrets."""
    return Attempt(
        provider=provider,
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        back=back,
        begun_at=now.timestamp(),
        links=links,
        challenge=challenge,
    )


def keep(data: dict[str, Any], attempt: Attempt) -> str:
    """Write an attempt into the session's data; return its state. The oldest give way."""
    state = secrets.token_urlsafe(24)
    others = list(data.get(KEPT, {}).items())[-(MAX_ATTEMPTS - 1) :]
    data[KEPT] = {**dict(others), state: asdict(attempt)}
    return state


def take(data: dict[str, Any], answer: Mapping[str, str], now: datetime) -> Attempt:
    """Take the attempt that an answer belongs to out of the session; raise ``LoginError``."""
    kept = dict(data.get(KEPT, {}))
    found = kept.pop(answer.get("state", ""), None)
    if found is None:
        raise LoginError("state")
    data[KEPT] = kept
    if not kept:
        del data[KEPT]
    attempt = Attempt(**found)
    if now.timestamp() - attempt.begun_at > LOGIN_STATE_TTL.total_seconds():
        raise LoginError("too_late")
    return attempt
