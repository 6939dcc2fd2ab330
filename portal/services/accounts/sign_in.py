"""Logging in and out, and what the login that somebody acts through says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.queries.accounts import people as queries
from portal.db.tables import Account, LoginSession, Person
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.gates import Gate, gate_from_json
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.teams import teams

BLOCKED = "Your account is blocked. Ask the support of this site if you do not know why."


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedLogin:
    """What a session that has ended still says to its provider."""

    provider_id: str
    id_token: str


def sign_in(
    session: Session,
    *,
    identity: Identity,
    provider_id: str,
    grants_staff: bool,
    origin: str,
    now: datetime,
) -> str:
    """Return the id of the person behind an account; the first login makes both.

    ``grants_staff`` is what the provider's rule says of this login. Raises ``NotAllowedError`` for
    somebody whom staff have blocked.
    """
    account = queries.account(session, identity.issuer, identity.subject)
    account = account or _first_login(session, identity, now)
    person = account.person
    if person.blocked_at is not None:
        raise NotAllowedError(BLOCKED, reason="blocked")
    record_claims(account, identity, grants_staff=grants_staff, now=now)
    if person.name != identity.name:
        queries.lock_challenges_of(session, person.id)
        person.name = identity.name
        teams.follow_name(session, person)
    audit_log.note(
        session,
        actor=Actor(person_id=person.id, origin=origin),
        action=Action.LOGGED_IN,
        subject=Subject(kind="person", id=person.id),
        now=now,
        provider=provider_id,
    )
    return person.id


def record_claims(
    account: Account, identity: Identity, *, grants_staff: bool, now: datetime
) -> None:
    """Write down what a login says of an account."""
    account.claims = identity.kept
    account.unique_id = identity.unique_id
    account.last_login_at = now
    account.grants_staff = grants_staff


def leave(
    session: Session, *, actor: Actor, secret_sha256: str, now: datetime
) -> EndedLogin | None:
    """Log a browser out: its cookie opens nothing any more. None if nobody was logged in with it."""
    ended = session.execute(
        delete(LoginSession)
        .where(LoginSession.secret_sha256 == secret_sha256)
        .returning(LoginSession.provider_id, LoginSession.id_token)
    ).one_or_none()
    if ended is None or actor.person_id is None:
        return None
    audit_log.note(
        session,
        actor=actor,
        action=Action.LOGGED_OUT,
        subject=Subject(kind="person", id=actor.person_id),
        now=now,
    )
    return EndedLogin(provider_id=ended.provider_id, id_token=ended.id_token)


def claims_of(session: Session, actor: Actor) -> Mapping[str, object]:
    """Return what the provider said of the actor's account, with the ``acr`` of this very login.

    Another account of the same person says nothing here, and a token says nothing at all: a rule of
    a challenge is about the login through which somebody joins.
    """
    account = session.get(Account, actor.account) if actor.account is not None else None
    if account is None or account.person_id != actor.person_id:
        return {}
    claims = {claim: value for claim, value in account.claims.items() if claim != "acr"}
    return claims | ({"acr": actor.acr} if actor.acr else {})


def stronger_login(session: Session, *, slug: str, actor: Actor) -> Gate | None:
    """Return what a challenge asks of how a login is made sure of; None if it asks nothing.

    A challenge that the actor does not see asks nothing either.
    """
    try:
        challenge = access.find(session, actor, slug).challenge
    except NotFoundError:
        return None
    gate = gate_from_json(challenge.join_gate)
    if gate is None or not gate.acr:
        return None
    return Gate(title=gate.title, claims={"acr": gate.acr}, ask=gate.ask)


def _first_login(session: Session, identity: Identity, now: datetime) -> Account:
    person = Person(id=new_id(now), name=identity.name, is_staff=False, created_at=now)
    session.add(person)
    session.flush()
    if not insert_if_absent(session, new_account(identity, person.id, now)):
        # The same person has just logged in for the first time in another window.
        session.delete(person)
        session.flush()
    account = queries.account(session, identity.issuer, identity.subject)
    assert account is not None  # noqa: S101 - it was added here or there
    return account


def new_account(identity: Identity, person_id: str, now: datetime) -> Account:
    """Return a row for an account that nobody has logged in with before."""
    return Account(
        issuer=identity.issuer,
        subject=identity.subject,
        person_id=person_id,
        claims={},
        created_at=now,
        last_login_at=now,
    )
