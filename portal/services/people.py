"""People: who logs in, and what their own page shows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import people as queries
from portal.db.tables import Account, Person
from portal.domain.claims import Identity
from portal.domain.errors import NotAllowed
from portal.domain.ids import new_id
from portal.domain.people import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """A way to log in that somebody has used."""

    issuer: str
    subject: str
    last_login_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """A team that somebody is in."""

    challenge_slug: str
    challenge: str
    team: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """What a person sees of themselves."""

    name: str
    is_staff: bool
    accounts: tuple[AccountFacts, ...]
    teams: tuple[TeamFacts, ...]


def sign_in(session: Session, *, identity: Identity, is_staff: bool | None, now: datetime) -> str:
    """Return the id of the person behind an account; the first login makes both.

    ``is_staff`` is what the provider's rule says; None where it has none, and then nothing changes.
    """
    account = queries.account(session, identity.issuer, identity.subject)
    person = _newcomer(session, identity, now) if account is None else account.person
    if account is None:
        account = Account(
            issuer=identity.issuer, subject=identity.subject, person_id=person.id, created_at=now
        )
        session.add(account)
    account.claims = identity.kept
    account.last_login_at = now
    person.name = identity.name
    if is_staff is not None:
        person.is_staff = is_staff
    return person.id


def account_page(session: Session, *, actor: Actor) -> AccountPage:
    """Return what the actor sees of themselves."""
    if actor.person_id is None:
        raise NotAllowed("Log in to see your account.")
    return AccountPage(
        name=actor.name,
        is_staff=actor.is_staff,
        accounts=tuple(
            AccountFacts(issuer=row.issuer, subject=row.subject, last_login_at=row.last_login_at)
            for row in queries.accounts_of(session, actor.person_id)
        ),
        teams=tuple(
            TeamFacts(challenge_slug=row.challenge_slug, challenge=row.challenge, team=row.team)
            for row in queries.teams_of(session, actor.person_id)
        ),
    )


def _newcomer(session: Session, identity: Identity, now: datetime) -> Person:
    person = Person(id=new_id(now), name=identity.name, is_staff=False, created_at=now)
    session.add(person)
    session.flush()
    return person
