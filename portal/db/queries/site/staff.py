"""People as staff look for them, and who works for a challenge."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    ScalarSelect,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from portal.db.tables import (
    Account,
    ApiToken,
    AuditEntry,
    Base,
    Challenge,
    Evaluation,
    Job,
    LoginSession,
    Organiser,
    Person,
    Submission,
)
from portal.domain.evaluations.states import EvaluationState
from portal.domain.permissions import Role


class RoleRow(NamedTuple):
    """A role with its person."""

    role: Organiser
    person: Person


class PersonRow(NamedTuple):
    """A person in a list, how many accounts they have, and how long the list is."""

    person: Person
    accounts: int
    grants_staff: bool
    total: int


class RoleIn(NamedTuple):
    """A challenge that somebody works for."""

    slug: str
    title: str
    role: Role


class Numbers(NamedTuple):
    """How much there is of everything."""

    people: int
    blocked: int
    sessions: int
    challenges: int
    submissions: int
    held: int
    jobs: int
    entries: int


_ORDER = case({Role.OWNER: 0, Role.ORGANISER: 1}, value=Organiser.role, else_=2)


def roles_in(session: Session, challenge_id: str) -> Sequence[RoleRow]:
    """List who works for a challenge: owners, organisers, reviewers."""
    rows = session.execute(
        select(Organiser, Person)
        .join(Person, Person.id == Organiser.person_id)
        .where(Organiser.challenge_id == challenge_id)
        .order_by(_ORDER, Person.name, Person.id)
    )
    return [RoleRow(*row) for row in rows]


def owners_in(session: Session, challenge_id: str) -> int:
    """Count the owners of a challenge."""
    return session.scalars(
        select(func.count())
        .select_from(Organiser)
        .where(Organiser.challenge_id == challenge_id, Organiser.role == Role.OWNER)
    ).one()


def roles_of(session: Session, person_id: str) -> Sequence[RoleIn]:
    """List the challenges that somebody works for."""
    rows = session.execute(
        select(Challenge.slug, Challenge.title, Organiser.role)
        .join(Organiser, Organiser.challenge_id == Challenge.id)
        .where(Organiser.person_id == person_id)
        .order_by(Challenge.title)
    )
    return [RoleIn(*row) for row in rows]


def named(words: str) -> ColumnElement[bool]:
    """Whether a person has these words in a name, in any case."""
    return or_(
        Person.name.icontains(words, autoescape=True),
        Person.display_name.icontains(words, autoescape=True),
        Person.pseudonym.icontains(words, autoescape=True),
    )


def people(
    session: Session, words: str, *, offset: int, size: int, staff_only: bool = False
) -> Sequence[PersonRow]:
    """List people by name; ``words`` are part of a name, an account number, or issuer and subject."""
    own = select(Account).where(Account.person_id == Person.id)
    accounts = select(func.count()).where(Account.person_id == Person.id).scalar_subquery()
    grants = own.where(Account.grants_staff).exists()
    statement = select(Person, accounts, grants, func.count().over())
    if words:
        issuer, _, subject = words.partition(" ")
        of_account = own.where(
            or_(
                (Account.issuer == issuer) & (Account.subject == subject.strip()),
                Account.subject == words,
            )
        ).exists()
        statement = statement.where(or_(Person.id == words, named(words), of_account))
    if staff_only:
        statement = statement.where(or_(Person.is_staff, grants))
    rows = session.execute(
        statement.order_by(func.lower(Person.name), Person.id).offset(offset).limit(size)
    )
    return [PersonRow(*row) for row in rows]


def sessions_of(session: Session, person_id: str, now: datetime) -> Sequence[LoginSession]:
    """List a person's browsers, the one seen last first."""
    return session.scalars(
        select(LoginSession)
        .where(LoginSession.person_id == person_id, LoginSession.expires_at > now)
        .order_by(LoginSession.seen_at.desc(), LoginSession.id)
    ).all()


def tokens_of(session: Session, person_id: str) -> Sequence[ApiToken]:
    """List a person's tokens, the newest first."""
    return session.scalars(
        select(ApiToken)
        .where(ApiToken.person_id == person_id)
        .order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
    ).all()


def gates(session: Session) -> Sequence[dict[str, object]]:
    """List the gates of all challenges, as they are stored."""
    return session.scalars(select(Challenge.join_gate)).all()


def numbers(session: Session, now: datetime) -> Numbers:
    """Count everything, in one query."""

    def count(table: type[Base], *conditions: ColumnExpressionArgument[bool]) -> ScalarSelect[int]:
        return select(func.count()).select_from(table).where(*conditions).scalar_subquery()

    row = session.execute(
        select(
            count(Person, Person.deleted_at.is_(None)),
            count(Person, Person.blocked_at.is_not(None)),
            count(LoginSession, LoginSession.person_id.is_not(None), LoginSession.expires_at > now),
            count(Challenge),
            count(Submission),
            count(Evaluation, Evaluation.state == EvaluationState.HELD),
            count(Job, Job.is_open),
            count(AuditEntry),
        )
    ).one()
    return Numbers(*row)
