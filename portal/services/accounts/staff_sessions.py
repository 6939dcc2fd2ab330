"""Staff log other people's browsers out."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.db.tables import LoginSession
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.services.audit import log as audit_log


def end_session(
    session: Session, *, actor: Actor, person_id: str, session_id: str, now: datetime
) -> None:
    """Log one browser of a person out."""
    if not _end(session, actor, person_id, session_id):
        raise NotFoundError
    audit_log.note(
        session,
        actor=actor,
        action=Action.SESSION_ENDED,
        subject=Subject(kind="session", id=session_id),
        now=now,
        person=person_id,
    )


def end_all_sessions(session: Session, *, actor: Actor, person_id: str, now: datetime) -> None:
    """Log all browsers of a person out; where there are none, nothing is written down either."""
    ended = _end(session, actor, person_id)
    if ended:
        audit_log.note(
            session,
            actor=actor,
            action=Action.SESSIONS_ENDED,
            subject=Subject(kind="person", id=person_id),
            now=now,
            sessions=ended,
        )


def _end(session: Session, actor: Actor, person_id: str, session_id: str | None = None) -> int:
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    statement = delete(LoginSession).where(LoginSession.person_id == person_id)
    if session_id is not None:
        statement = statement.where(LoginSession.id == session_id)
    ended = session.scalars(
        statement.returning(LoginSession.id).execution_options(synchronize_session=False)
    )
    return len(ended.all())
