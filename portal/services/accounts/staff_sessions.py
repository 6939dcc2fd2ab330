"""Staff log other people's browsers out."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.services.accounts import sessions


def end_session(
    session: Session, *, actor: Actor, person_id: str, session_id: str, now: datetime
) -> None:
    """Log one browser of a person out."""
    _check_may(actor)
    sessions.end_one(session, actor=actor, person_id=person_id, session_id=session_id, now=now)


def end_all_sessions(session: Session, *, actor: Actor, person_id: str, now: datetime) -> None:
    """Log all browsers of a person out."""
    _check_may(actor)
    sessions.end_all(session, actor=actor, person_id=person_id, now=now)


def _check_may(actor: Actor) -> None:
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
