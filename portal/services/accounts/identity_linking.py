"""Several logins of one person: adding one, and taking one away."""

from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.queries.accounts import people as queries
from portal.db.queries.accounts import sessions
from portal.db.tables import Account, Base, LoginSession, MailChoice, Person, TermsAcceptance
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.accounts.sign_in import new_account, record_claims
from portal.services.audit import log as audit_log

OF_SOMEBODY_ELSE = (
    "This login belongs to somebody who has already taken part here, so it was not insert_if_absent. "
    "If that was you, ask the support of this site."
)
LAST_ONE = "This is your only login: without it you could not come back. Add another one first."

_TRACES = (Account, LoginSession, TermsAcceptance, MailChoice)
"""What somebody has who logged in once and did nothing."""


def link(
    session: Session,
    *,
    actor: Actor,
    identity: Identity,
    provider_id: str,
    grants_staff: bool,
    now: datetime,
) -> None:
    """Make an account one of the actor's, who has just logged in with it.

    If it is that of another person who has done nothing here, that person becomes the actor. Raises
    ``NotAllowedError`` if they have done something: whose it is then is not for a login to say.
    """
    me = _me(session, actor)
    if queries.account(session, identity.issuer, identity.subject) is None:
        insert_if_absent(session, new_account(identity, me.id, now))
    account = session.get_one(Account, (identity.issuer, identity.subject))
    if account.person_id != me.id:
        _absorb(session, actor, account.person_id, now)
        session.refresh(account)
    record_claims(account, identity, grants_staff=grants_staff, now=now)
    audit_log.note(
        session,
        actor=actor,
        action=Action.LOGIN_LINKED,
        subject=Subject(kind="person", id=me.id),
        now=now,
        provider=provider_id,
    )


def unlink(session: Session, *, actor: Actor, issuer: str, subject: str, now: datetime) -> None:
    """Take an account away from the actor and end its sessions; one has to remain."""
    me = _me(session, actor)
    account = session.get(Account, (issuer, subject))
    if account is None or account.person_id != me.id:
        raise NotFoundError
    others = select(func.count()).select_from(Account).where(Account.person_id == me.id)
    if session.scalar(others) == 1:
        raise ParticipantError(LAST_ONE, reason="last_login")
    ended = sessions.end(session, LoginSession.issuer == issuer, LoginSession.subject == subject)
    session.delete(account)
    audit_log.note(
        session,
        actor=actor,
        action=Action.LOGIN_UNLINKED,
        subject=Subject(kind="person", id=me.id),
        now=now,
        sessions=ended,
    )


def _me(session: Session, actor: Actor) -> Person:
    if actor.person_id is None:
        raise NotAllowedError("Log in to change your logins.")
    # Locked: two requests at once could each take away the last but one.
    return session.get_one(Person, actor.person_id, with_for_update=True)


def _absorb(session: Session, actor: Actor, person_id: str, now: datetime) -> None:
    """Make another person, who has done nothing here, the actor."""
    other = session.get_one(Person, person_id, with_for_update=True)
    if other.is_staff or other.blocked_at is not None or _has_acted(session, person_id):
        raise NotAllowedError(OF_SOMEBODY_ELSE, reason="login_of_somebody_else")
    session.execute(delete(LoginSession).where(LoginSession.person_id == person_id))
    session.execute(delete(TermsAcceptance).where(TermsAcceptance.person_id == person_id))
    session.execute(delete(MailChoice).where(MailChoice.person_id == person_id))
    session.execute(
        update(Account).where(Account.person_id == person_id).values(person_id=actor.person_id)
    )
    session.execute(delete(Person).where(Person.id == person_id))
    audit_log.note(
        session,
        actor=actor,
        action=Action.PEOPLE_JOINED,
        subject=Subject(kind="person", id=person_id),
        now=now,
    )


def _has_acted(session: Session, person_id: str) -> bool:
    """Whether anything of the site refers to a person: a team, a role, a token, a decision."""
    traces = {table.__tablename__ for table in _TRACES}
    return any(
        session.scalar(select(exists().where(key.parent == person_id)))
        for table in Base.metadata.tables.values()
        if table.name not in traces
        for key in table.foreign_keys
        if key.column is Person.__table__.c.id
    )
