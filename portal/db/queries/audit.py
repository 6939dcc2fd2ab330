"""The audit log: read whole for checking, and in parts for people."""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, String, exists, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from portal.db.queries.site.staff import named
from portal.db.tables import (
    Account,
    AuditEntry,
    Challenge,
    Membership,
    Organiser,
    Participation,
    Person,
    Team,
)
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import GROUPS, ORGANISERS_READ, Action, Group

Columns = tuple[Any, ...]

AT_ONCE = 500
"""Rows in memory while the whole log is read."""

OPERATOR = str(ActorKind.OPERATOR)
"""What to ask for as ``who`` to see what operators did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries somebody asks for. What is empty asks for nothing in particular."""

    who: str = ""
    """An account number, part of a name, or ``OPERATOR``."""
    what: Group | None = None
    challenge: str = ""
    """Its slug."""
    kind: str = ""
    id: str = ""
    """Kind and id of what something was done to."""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfChallenge:
    """Which entries of their challenge organisers ask for. What is empty asks for nothing in particular."""

    who: str = ""
    """Who did it, or whom it was done to: an account number, part of a name, or ``OPERATOR``."""
    what: Group | None = None
    since: datetime | None = None
    before: datetime | None = None


def every_entry(session: Session) -> Generator[Row[Columns]]:
    """Yield all entries in order, in one statement, a few hundred in memory at a time.

    Words are given as they are stored, also those that the portal does not know.
    """
    statement = select(*_as_stored()).order_by(AuditEntry.number)
    with session.execute(statement.execution_options(yield_per=AT_ONCE)) as rows:
        yield from rows


def entries_from(session: Session, number: int, most: int) -> Sequence[Row[Columns]]:
    """List at most so many entries from a number on, as they are stored."""
    statement = select(*_as_stored()).where(AuditEntry.number >= number)
    return session.execute(statement.order_by(AuditEntry.number).limit(most)).all()


def _as_stored() -> list[ColumnElement[Any]]:
    words = {"actor_kind", "action"}
    return [
        type_coerce(column, String).label(column.name) if column.name in words else column
        for column in AuditEntry.__table__.columns
    ]


def last_number(session: Session) -> int:
    """Return the number of the newest entry; 0 for none."""
    return session.scalar(select(func.max(AuditEntry.number))) or 0


def count(session: Session, wanted: Wanted, last: int) -> int:
    """Count the wanted entries up to a number."""
    return session.scalars(
        select(func.count()).select_from(AuditEntry).where(*_conditions(wanted, last))
    ).one()


def newest(
    session: Session, wanted: Wanted, last: int, *, offset: int, size: int
) -> Sequence[AuditEntry]:
    """List wanted entries up to a number, the newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(*_conditions(wanted, last))
        .order_by(AuditEntry.number.desc())
        .offset(offset)
        .limit(size)
    ).all()


def oldest_after(
    session: Session, wanted: Wanted, *, after: int, last: int
) -> Sequence[AuditEntry]:
    """List the next few hundred wanted entries after a number, the oldest first."""
    return session.scalars(
        select(AuditEntry)
        .where(*_conditions(wanted, last), AuditEntry.number > after)
        .order_by(AuditEntry.number)
        .limit(AT_ONCE)
    ).all()


def of_challenge(
    session: Session, challenge_id: str, wanted: OfChallenge, *, offset: int, size: int
) -> Sequence[AuditEntry]:
    """List entries of a challenge, the newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(*_in_challenge(challenge_id, wanted))
        .order_by(AuditEntry.number.desc())
        .offset(offset)
        .limit(size)
    ).all()


def count_of_challenge(session: Session, challenge_id: str, wanted: OfChallenge) -> int:
    """Count entries of a challenge."""
    conditions = _in_challenge(challenge_id, wanted)
    return session.scalars(select(func.count()).select_from(AuditEntry).where(*conditions)).one()


def next_of_challenge(
    session: Session, challenge_id: str, wanted: OfChallenge, *, after: int
) -> Sequence[AuditEntry]:
    """List the next few hundred entries of a challenge after a number, the oldest first."""
    return session.scalars(
        select(AuditEntry)
        .where(*_in_challenge(challenge_id, wanted), AuditEntry.number > after)
        .order_by(AuditEntry.number)
        .limit(AT_ONCE)
    ).all()


def staff_outside(session: Session, challenge_id: str, people: Collection[str]) -> set[str]:
    """Return who of some people is staff of the site and has no part in a challenge. One query."""
    return set(
        session.scalars(
            select(Person.id).where(Person.id.in_(people), _is_staff_outside(challenge_id))
        )
    )


def _is_staff_outside(challenge_id: str) -> ColumnElement[bool]:
    grants = exists().where(Account.person_id == Person.id, Account.grants_staff)
    parts = [
        exists().where(table.challenge_id == challenge_id, table.person_id == Person.id)
        for table in (Organiser, Participation, Membership)
    ]
    return or_(Person.is_staff, grants) & ~or_(*parts)


def _in_challenge(challenge_id: str, wanted: OfChallenge) -> list[ColumnElement[bool]]:
    actions = set(ORGANISERS_READ)
    if wanted.what is not None:
        actions &= GROUPS[wanted.what]
    conditions = [
        AuditEntry.challenge_id == challenge_id,
        AuditEntry.action.in_(sorted(actions)),
    ]
    if wanted.who == OPERATOR:
        conditions.append(AuditEntry.actor_kind == ActorKind.OPERATOR)
    elif wanted.who:
        # By name nobody is found whose name is not shown.
        meant = select(Person.id).where(
            or_(Person.id == wanted.who, named(wanted.who)), ~_is_staff_outside(challenge_id)
        )
        is_subject = (AuditEntry.subject_kind == "person") & AuditEntry.subject_id.in_(meant)
        conditions.append(or_(AuditEntry.actor_id.in_(meant), is_subject))
    if wanted.since is not None:
        conditions.append(AuditEntry.at >= wanted.since)
    if wanted.before is not None:
        conditions.append(AuditEntry.at < wanted.before)
    return conditions


def last_look(session: Session, person_id: str) -> AuditEntry | None:
    """Return when somebody looked at the log last, and for what."""
    return session.scalar(
        select(AuditEntry)
        .where(AuditEntry.actor_id == person_id, AuditEntry.action == Action.LOG_LOOKED_AT)
        .order_by(AuditEntry.number.desc())
        .limit(1)
    )


def people_by_id(session: Session, ids: Collection[str]) -> dict[str, Person]:
    """Find people."""
    return {row.id: row for row in session.scalars(select(Person).where(Person.id.in_(ids)))}


def team_names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Find what teams are called now."""
    rows = session.execute(select(Team.id, Team.name).where(Team.id.in_(ids)))
    return {team_id: name for team_id, name in rows}  # noqa: C416 - rows are no plain pairs


def challenges(session: Session) -> dict[str, tuple[str, str]]:
    """Find slug and title of every challenge by its id, in the order of titles."""
    rows = session.execute(
        select(Challenge.id, Challenge.slug, Challenge.title).order_by(Challenge.title)
    )
    return {challenge_id: (slug, title) for challenge_id, slug, title in rows}


def _conditions(wanted: Wanted, last: int) -> list[ColumnElement[bool]]:
    given = {
        AuditEntry.subject_kind: wanted.kind,
        AuditEntry.subject_id: wanted.id,
    }
    conditions = [AuditEntry.number <= last]
    conditions += [column == value for column, value in given.items() if value]
    if wanted.who == OPERATOR:
        conditions.append(AuditEntry.actor_kind == ActorKind.OPERATOR)
    elif wanted.who:
        meant = select(Person.id).where(or_(Person.id == wanted.who, named(wanted.who)))
        conditions.append(AuditEntry.actor_id.in_(meant))
    if wanted.what is not None:
        conditions.append(AuditEntry.action.in_(GROUPS[wanted.what]))
    if wanted.challenge:
        slug = select(Challenge.id).where(Challenge.slug == wanted.challenge)
        conditions.append(AuditEntry.challenge_id.in_(slug))
    if wanted.since is not None:
        conditions.append(AuditEntry.at >= wanted.since)
    if wanted.before is not None:
        conditions.append(AuditEntry.at < wanted.before)
    return conditions
