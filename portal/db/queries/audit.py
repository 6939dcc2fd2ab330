"""The audit log: read whole for checking, and in parts for people."""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, String, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from portal.db.queries.site.staff import named
from portal.db.tables import AuditEntry, Challenge, Person, Team
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import GROUPS, Action, Group

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
