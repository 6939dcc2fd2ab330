"""Logged-in browsers: found by the digest of what their cookie holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portal.db.queries import sessions as queries
from portal.db.tables import LoginSession
from portal.domain.people import VISITOR, Actor
from portal.domain.sessions import expiry, is_over, is_worth_noting


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session that may be used."""

    actor: Actor
    data: dict[str, Any]
    to_note: bool
    """Whether the last sight of the browser should be written down."""


def find(session: Session, *, secret_sha256: str, now: datetime) -> Login | None:
    """Return the session of a cookie, unless there is none or it is over."""
    row = queries.with_person(session, secret_sha256)
    if row is None or is_over(seen_at=row.seen_at, expires_at=row.expires_at, now=now):
        return None
    actor = VISITOR
    if row.person_id is not None:
        actor = Actor(person_id=row.person_id, name=row.name or "", is_staff=bool(row.is_staff))
    return Login(actor=actor, data=row.data, to_note=is_worth_noting(seen_at=row.seen_at, now=now))


def start(
    session: Session,
    *,
    secret_sha256: str,
    replaces: str | None,
    person_id: str | None,
    data: dict[str, Any],
    agent: str,
    now: datetime,
) -> None:
    """Write a new session and delete the one that it replaces, and whatever has expired."""
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    if replaces is not None:
        end(session, secret_sha256=replaces)
    session.add(
        LoginSession(
            secret_sha256=secret_sha256,
            person_id=person_id,
            data=data,
            created_at=now,
            seen_at=now,
            expires_at=expiry(logged_in=person_id is not None, now=now),
            agent=agent,
        )
    )


def keep(session: Session, *, secret_sha256: str, data: dict[str, Any], now: datetime) -> None:
    """Write what a session holds now, and that its browser was seen."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.secret_sha256 == secret_sha256)
        .values(data=data, seen_at=now)
    )


def end(session: Session, *, secret_sha256: str) -> None:
    """Log a browser out: its cookie opens nothing any more."""
    session.execute(delete(LoginSession).where(LoginSession.secret_sha256 == secret_sha256))
