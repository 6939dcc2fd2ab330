"""The site's terms: accepted once for each version, before anything else."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import TermsAcceptance
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError
from portal.services.audit import log as audit_log


def accept(session: Session, *, actor: Actor, version: str, now: datetime) -> None:
    """Write down that the actor accepts a version; doing it again changes nothing."""
    if actor.person_id is None:
        raise NotAllowedError("Log in to accept the terms.")
    row = TermsAcceptance(person_id=actor.person_id, version=version, accepted_at=now)
    if session.get(TermsAcceptance, (actor.person_id, version)) is None and insert_if_absent(
        session, row
    ):
        audit_log.note(
            session,
            actor=actor,
            action=Action.TERMS_ACCEPTED,
            subject=Subject(kind="person", id=actor.person_id),
            now=now,
            version=version,
        )


def has_accepted_any(session: Session, *, actor: Actor) -> bool:
    """Whether the actor has accepted some version before: then only the text is new to them."""
    statement = select(TermsAcceptance.version).where(TermsAcceptance.person_id == actor.person_id)
    return session.scalar(statement.limit(1)) is not None
