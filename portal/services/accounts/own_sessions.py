"""The browsers that a person is logged in with, and logging them out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import LoginSession
from portal.domain.accounts.people import Actor
from portal.domain.accounts.sessions import SessionLimits
from portal.services.accounts import sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """One browser."""

    id: str
    agent: str
    origin: str
    provider_id: str
    created_at: datetime
    seen_at: datetime
    is_this: bool
    """Whether it is the browser that asks."""


def sessions_of(
    session: Session, *, actor: Actor, current: str | None, limits: SessionLimits, now: datetime
) -> tuple[SessionFacts, ...]:
    """List the browsers that are logged in as the actor, the one seen last first.

    ``current`` is the digest of the secret of the browser that asks.
    """
    rows = session.scalars(
        select(LoginSession)
        .where(LoginSession.person_id == actor.person_id)
        .order_by(LoginSession.seen_at.desc(), LoginSession.id)
    )
    return tuple(
        SessionFacts(
            id=row.id,
            agent=row.agent,
            origin=row.origin,
            provider_id=row.provider_id,
            created_at=row.created_at,
            seen_at=row.seen_at,
            is_this=row.secret_sha256 == current,
        )
        for row in rows
        if not limits.is_over(seen_at=row.seen_at, expires_at=row.expires_at, now=now)
    )


def end_one(session: Session, *, actor: Actor, session_id: str, now: datetime) -> None:
    """Log one of the actor's browsers out."""
    sessions.end_one(
        session, actor=actor, person_id=actor.person_id, session_id=session_id, now=now
    )


def end_others(session: Session, *, actor: Actor, current: str | None, now: datetime) -> int:
    """Log all of the actor's browsers out but the one that asks; return how many."""
    return sessions.end_all(
        session, actor=actor, person_id=actor.person_id, but=current or "", now=now
    )
