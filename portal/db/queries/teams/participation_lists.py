"""Who takes part in a challenge and who wants to, one page at a time."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.queries.site.staff import named
from portal.db.tables import Account, Membership, Participation, Person, Team
from portal.domain.teams.membership_rules import ParticipationState


class Listed(NamedTuple):
    """How far somebody is, and how long the list is."""

    participation: Participation
    total: int


class Exported(NamedTuple):
    """A line of the list as a file."""

    participation: Participation
    team: str | None


def page_of(
    session: Session,
    challenge_id: str,
    *,
    state: ParticipationState | None,
    words: str = "",
    offset: int,
    size: int,
) -> Sequence[Listed]:
    """List those in a state, or all, whose name has ``words`` in it; who asked last comes first. One query."""
    statement = select(Participation, func.count().over()).where(
        Participation.challenge_id == challenge_id
    )
    if state is not None:
        statement = statement.where(Participation.state == state)
    if words:
        statement = statement.join(Person, Person.id == Participation.person_id).where(
            or_(Person.id == words, named(words))
        )
    rows = session.execute(
        statement.options(joinedload(Participation.person))
        .order_by(Participation.asked_at.desc(), Participation.person_id.desc())
        .offset(offset)
        .limit(size)
    )
    return [Listed(*row) for row in rows]


def counts(session: Session, challenge_id: str) -> Mapping[ParticipationState, int]:
    """Count the people of a challenge by how far they are. One query."""
    rows = session.execute(
        select(Participation.state, func.count())
        .where(Participation.challenge_id == challenge_id)
        .group_by(Participation.state)
    )
    return {state: number for state, number in rows}  # noqa: C416 - rows are no plain pairs


def after(session: Session, challenge_id: str, person_id: str, *, size: int) -> Sequence[Exported]:
    """List the next people after an account number with their teams, in the order of these. One query."""
    statement = (
        select(Participation, Team.name)
        .outerjoin(
            Membership,
            (Membership.challenge_id == challenge_id)
            & (Membership.person_id == Participation.person_id),
        )
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(Participation.challenge_id == challenge_id, Participation.person_id > person_id)
        .options(joinedload(Participation.person))
        .order_by(Participation.person_id)
        .limit(size)
    )
    return [Exported(*row) for row in session.execute(statement)]


def team_names(
    session: Session, challenge_id: str, people: Collection[str]
) -> Mapping[str, tuple[str, str]]:
    """Return id and name of the teams that people are in, by account number. One query."""
    rows = session.execute(
        select(Membership.person_id, Team.id, Team.name)
        .join(Team, Team.id == Membership.team_id)
        .where(Membership.challenge_id == challenge_id, Membership.person_id.in_(people))
    )
    return {person_id: (team_id, name) for person_id, team_id, name in rows}


def newest_logins(session: Session, people: Collection[str]) -> Mapping[str, Account]:
    """Return the account that each person used last, by account number. One query."""
    rows = session.scalars(
        select(Account)
        .where(Account.person_id.in_(people))
        .order_by(Account.last_login_at, Account.issuer.desc())
    )
    return {row.person_id: row for row in rows}
