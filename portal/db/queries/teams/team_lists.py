"""Teams of a challenge with their members, one page at a time."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Membership, Submission, Team


class Listed(NamedTuple):
    """A team, how often it has submitted, and how long the list is."""

    team: Team
    submissions: int
    counted: int
    """Of its submissions, those that count against the limits."""
    total: int


_BY_NAME = (Team.name, Team.id)


def page_of(session: Session, challenge_id: str, *, offset: int, size: int) -> Sequence[Listed]:
    """List the teams that compete, by name. One query."""
    competes = (
        Team.challenge_id == challenge_id,
        Team.merged_into_id.is_(None),
        ~Team.is_dry_run,
    )
    total = select(func.count()).select_from(Team).where(*competes).scalar_subquery()
    page = select(Team.id).where(*competes).order_by(*_BY_NAME).offset(offset).limit(size)
    # With the challenge an index leads to a team's submissions.
    of_team = (Submission.challenge_id == challenge_id, Submission.team_id == Team.id)
    mine = select(func.count()).where(*of_team, Submission.is_smoke.is_(False)).correlate(Team)
    submitted, counted = mine.scalar_subquery(), mine.where(Submission.counts).scalar_subquery()
    rows = session.execute(
        select(Team, submitted, counted, total).where(Team.id.in_(page)).order_by(*_BY_NAME)
    )
    return [Listed(*row) for row in rows]


def places_of(session: Session, challenge_id: str, team_ids: Collection[str]) -> Mapping[str, int]:
    """Return the places of teams in the list of those that compete, counted from 1. One query."""
    listed = (
        select(Team.id, func.row_number().over(order_by=_BY_NAME).label("place"))
        .where(Team.challenge_id == challenge_id, Team.merged_into_id.is_(None), ~Team.is_dry_run)
        .subquery()
    )
    rows = session.execute(select(listed.c.id, listed.c.place).where(listed.c.id.in_(team_ids)))
    return {team_id: int(place) for team_id, place in rows}


def members_of(session: Session, teams: Sequence[Team]) -> Sequence[Membership]:
    """List the members of teams, the oldest member first. One query."""
    return session.scalars(
        select(Membership)
        .where(Membership.team_id.in_([team.id for team in teams]))
        .options(joinedload(Membership.person))
        .order_by(Membership.joined_at, Membership.person_id)
    ).all()
