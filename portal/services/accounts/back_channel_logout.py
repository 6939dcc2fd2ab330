"""Providers end sessions here: back-channel logout."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import LoginSession, SpentLogoutToken
from portal.domain.accounts.people import Actor, ActorKind
from portal.domain.audit import Action, Subject
from portal.domain.errors import ParticipantError
from portal.services.audit import log as audit_log


def obey(
    session: Session,
    *,
    issuer: str,
    subject: str | None,
    sid: str | None,
    jti: str,
    expires_at: datetime,
    origin: str,
    now: datetime,
) -> int:
    """End the sessions that a provider names, by its own name of them, by person, or by both.

    Returns how many there were: none is no fault. Raises ``ParticipantError`` for an order that came
    before; ``jti`` is its name, and is remembered until ``expires_at``.
    """
    session.execute(delete(SpentLogoutToken).where(SpentLogoutToken.expires_at <= now))
    if not insert_if_absent(
        session, SpentLogoutToken(issuer=issuer, jti=jti, expires_at=expires_at)
    ):
        raise ParticipantError("This logout token was used before.", reason="logout_again")
    statement = delete(LoginSession).where(LoginSession.issuer == issuer)
    if sid is not None:
        statement = statement.where(LoginSession.provider_session == sid)
    if subject is not None:
        statement = statement.where(LoginSession.subject == subject)
    ended = session.scalars(
        statement.returning(LoginSession.person_id).execution_options(synchronize_session=False)
    ).all()
    for person_id in sorted({one for one in ended if one is not None}):
        audit_log.note(
            session,
            actor=Actor(kind=ActorKind.VISITOR, origin=origin),
            action=Action.SESSIONS_ENDED,
            subject=Subject(kind="person", id=person_id),
            now=now,
            sessions=ended.count(person_id),
            by="the login service",
        )
    return len(ended)
