"""Who is staff of the site, as operators name them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as people_queries
from portal.db.tables import Person
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, ParticipantError
from portal.services.audit import log as audit_log


def person_of(session: Session, words: Sequence[str]) -> str:
    """Return the account number of whoever is meant: the number itself, or issuer and subject."""
    if len(words) == 1 and (person := session.get(Person, words[0])) is not None:
        return person.id
    if len(words) == 2:  # noqa: PLR2004
        account = people_queries.account(session, words[0], words[1])
        if account is not None:
            return account.person_id
    raise ParticipantError(
        f"nobody is known as {' '.join(words)!r}: give an account number, or issuer and subject of"
        " a login that was used; 'sealrun people list' shows them",
        reason="no_such_person",
    )


def add(session: Session, *, actor: Actor, person_id: str, now: datetime) -> bool:
    """Make a person staff; False if an operator had done so before."""
    return _set(session, actor, person_id, True, Action.STAFF_ADDED, now)


def remove(session: Session, *, actor: Actor, person_id: str, now: datetime) -> bool:
    """Remove a person from staff; False if no operator had made them so.

    Whoever the provider's rule makes staff stays so as long as the provider says it.
    """
    return _set(session, actor, person_id, False, Action.STAFF_REMOVED, now)


def _set(
    session: Session, actor: Actor, person_id: str, is_staff: bool, action: Action, now: datetime
) -> bool:
    if not permissions.may_operate(actor):
        raise NotAllowedError("Only an operator of the site names staff.")
    person = session.get_one(Person, person_id, with_for_update=True)
    if is_staff and (person.deleted_at or person.blocked_at):
        raise ParticipantError("this person is blocked or deleted", reason="no_such_person")
    if person.is_staff is is_staff:
        return False
    person.is_staff = is_staff
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="person", id=person_id),
        now=now,
    )
    return True
