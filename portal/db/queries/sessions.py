"""Finding the session of a cookie."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import LoginSession, Person


class SessionRow(NamedTuple):
    """A session and whose it is."""

    person_id: str | None
    name: str | None
    is_staff: bool | None
    data: dict[str, Any]
    seen_at: datetime
    expires_at: datetime


def with_person(session: Session, secret_sha256: str) -> SessionRow | None:
    """Return the session and its person, in one query."""
    row = session.execute(
        select(
            LoginSession.person_id,
            Person.name,
            Person.is_staff,
            LoginSession.data,
            LoginSession.seen_at,
            LoginSession.expires_at,
        )
        .join(Person, Person.id == LoginSession.person_id, isouter=True)
        .where(LoginSession.secret_sha256 == secret_sha256)
    ).one_or_none()
    return SessionRow(*row) if row else None
