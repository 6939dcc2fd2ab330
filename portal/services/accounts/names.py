"""What people want to be called, among those who know them and on leaderboards."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as queries
from portal.db.tables import Person
from portal.domain.accounts.claims import clean_name
from portal.domain.accounts.people import MAX_NAME_CHARS, Actor, Names, ShownAs
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, ParticipantError
from portal.services.audit import log as audit_log
from portal.services.teams import teams


def names_of(session: Session, *, actor: Actor) -> Names:
    """Return the actor's names."""
    if actor.person_id is None:
        raise NotAllowedError("Log in to see your account.")
    return session.get_one(Person, actor.person_id).names


def change(
    session: Session,
    *,
    actor: Actor,
    display_name: str,
    pseudonym: str,
    shown_as: ShownAs,
    now: datetime,
) -> None:
    """Take over what the person wants to be called; teams named after them follow.

    Raises ``ParticipantError`` with the field as its reason.
    """
    queries.lock_challenges_of(session, str(actor.person_id))
    person = queries.locked(session, str(actor.person_id))
    if person.deleted_at is not None:
        raise NotAllowedError("Log in to see your account.")
    before = person.names
    person.display_name = clean_name(display_name)[:MAX_NAME_CHARS]
    person.pseudonym = clean_name(pseudonym)[:MAX_NAME_CHARS]
    if not person.pseudonym:
        raise ParticipantError("Choose a pseudonym.", reason="pseudonym")
    person.shown_as = shown_as
    if person.names == before:
        return
    if person.names.public != before.public:
        teams.follow_name(session, person)
    audit_log.note(
        session,
        actor=actor,
        action=Action.NAMES_CHANGED,
        subject=Subject(kind="person", id=person.id),
        now=now,
    )
