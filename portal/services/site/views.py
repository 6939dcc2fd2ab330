"""What staff see of the site and of people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as people_queries
from portal.db.queries.accounts.people import TeamRow
from portal.db.queries.site import staff as queries
from portal.db.queries.site.staff import Numbers, RoleIn
from portal.db.tables import Account, ApiToken, LoginSession, Person
from portal.domain import permissions
from portal.domain.accounts.gates import gate_from_json
from portal.domain.accounts.people import Actor, ShownAs
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.audit import log as audit_log


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """A line in the list of people."""

    id: str
    name: str
    accounts: int
    is_staff: bool
    is_blocked: bool
    is_deleted: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleList:
    """A page of the people of the site."""

    rows: tuple[ListedPerson, ...]
    pages: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFacts:
    """A way to log in, with the claims that some rule of the site or of a challenge looks at."""

    issuer: str
    subject: str
    claims: dict[str, Any]
    grants_staff: bool
    last_login_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """A browser that is logged in."""

    id: str
    agent: str
    origin: str
    provider_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """A token: what it is called and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """All that staff see of somebody."""

    id: str
    name: str
    given_name: str
    """As the provider says."""
    display_name: str
    pseudonym: str
    shown_as: ShownAs
    is_staff: bool
    is_me: bool
    blocked_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    logins: tuple[LoginFacts, ...]
    sessions: tuple[SessionFacts, ...]
    tokens: tuple[TokenFacts, ...]
    roles: tuple[RoleIn, ...]
    teams: tuple[TeamRow, ...]


def name_of(person: Person) -> str:
    """Return what to call somebody: whoever had their data deleted has a pseudonym only."""
    return person.pseudonym if person.deleted_at else person.names.own


def overview(session: Session, *, actor: Actor, now: datetime) -> Numbers:
    """Count what there is on the site."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    return queries.numbers(session, now)


def people_list(
    session: Session, *, actor: Actor, words: str, page: int = 1, staff_only: bool = False
) -> PeopleList:
    """List people by name; ``words`` as ``queries.people`` takes them, empty for everybody."""
    if not permissions.may_see_people(actor):
        raise NotFoundError
    found = queries.people(
        session,
        words.strip(),
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
        staff_only=staff_only,
    )
    if page > 1 and not found:
        raise NotFoundError
    return PeopleList(
        rows=tuple(_listed(row) for row in found),
        pages=Slice(number=page, total=found[0].total if found else 0),
    )


def _listed(row: queries.PersonRow) -> ListedPerson:
    return ListedPerson(
        id=row.person.id,
        name=name_of(row.person),
        accounts=row.accounts,
        is_staff=row.person.is_staff or row.grants_staff,
        is_blocked=row.person.blocked_at is not None,
        is_deleted=row.person.deleted_at is not None,
        created_at=row.person.created_at,
    )


def person_page(
    session: Session, *, actor: Actor, person_id: str, claims: Collection[str], now: datetime
) -> PersonPage:
    """Return all that staff see of somebody, and write down that they looked.

    ``claims`` are those that rules of the site look at; those of challenges' rules are added.
    """
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    person = session.get(Person, person_id)
    if person is None:
        raise NotFoundError
    audit_log.note(
        session,
        actor=actor,
        action=Action.PERSON_LOOKED_AT,
        subject=Subject(kind="person", id=person_id),
        now=now,
    )
    wanted = {*claims, *_claims_of_challenges(session)}
    accounts = people_queries.accounts_of(session, person_id)
    return PersonPage(
        id=person.id,
        name=name_of(person),
        given_name=person.name,
        display_name=person.display_name,
        pseudonym=person.pseudonym,
        shown_as=person.shown_as,
        is_staff=person.is_staff or any(account.grants_staff for account in accounts),
        is_me=person.id == actor.person_id,
        blocked_at=person.blocked_at,
        deleted_at=person.deleted_at,
        created_at=person.created_at,
        logins=tuple(_login(account, wanted) for account in accounts),
        sessions=tuple(_session(row) for row in queries.sessions_of(session, person_id, now)),
        tokens=tuple(_token(row) for row in queries.tokens_of(session, person_id)),
        roles=tuple(queries.roles_of(session, person_id)),
        teams=tuple(people_queries.teams_of(session, person_id)),
    )


def _claims_of_challenges(session: Session) -> set[str]:
    gates = (gate_from_json(stored) for stored in queries.gates(session))
    return {claim for gate in gates if gate for claim in gate.claims}


def _login(row: Account, wanted: Collection[str]) -> LoginFacts:
    return LoginFacts(
        issuer=row.issuer,
        subject=row.subject,
        claims={name: row.claims[name] for name in sorted(wanted) if name in row.claims},
        grants_staff=row.grants_staff,
        last_login_at=row.last_login_at,
    )


def _session(row: LoginSession) -> SessionFacts:
    return SessionFacts(
        id=row.id,
        agent=row.agent,
        origin=row.origin,
        provider_id=row.provider_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def _token(row: ApiToken) -> TokenFacts:
    return TokenFacts(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
