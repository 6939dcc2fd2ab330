"""Block and unblock accounts."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries.accounts import sessions
from portal.db.tables import LoginSession, Person
from portal.domain import permissions
from portal.domain.accounts.account_blocking import BlockReason
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.audit import log as audit_log


def block(
    session: Session, *, actor: Actor, person_id: str, reason: BlockReason, now: datetime
) -> None:
    """Log a person out everywhere and refuse their logins and tokens from now on.

    Whoever asks who somebody is, for a cookie, a token or a login, looks at ``blocked_at``.
    Blocking a person who is blocked changes nothing.
    """
    person = _person(session, actor, person_id)
    if not permissions.may_block(actor, person_id):
        raise ParticipantError("You cannot block yourself.", reason="own_block")
    if person.blocked_at is not None:
        return
    person.blocked_at = now
    ended = sessions.end(session, LoginSession.person_id == person_id)
    _note(session, actor, Action.PERSON_BLOCKED, person, now, reason=reason, sessions=ended)


def unblock(session: Session, *, actor: Actor, person_id: str, now: datetime) -> None:
    """Let a person in again; they log in anew, and their tokens work as before."""
    person = _person(session, actor, person_id)
    if person.blocked_at is None:
        return
    person.blocked_at = None
    _note(session, actor, Action.PERSON_UNBLOCKED, person, now)


def _person(session: Session, actor: Actor, person_id: str) -> Person:
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    person = session.get(Person, person_id, with_for_update=True)
    if person is None or person.deleted_at is not None:
        raise NotFoundError
    return person


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    person: Person,
    now: datetime,
    **detail: Any,  # noqa: ANN401 - as audit.note takes it
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="person", id=person.id),
        now=now,
        **detail,
    )
