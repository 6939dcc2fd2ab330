"""What could be somebody who gets around the limits of their team: for organisers to look into."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.tables import (
    Account,
    Membership,
    Participation,
    PastMembership,
    Person,
    Submission,
    Team,
)
from portal.domain.teams import ParticipationState

MOST = 50
"""Rows of each kind; whoever has more has other worries."""


class SameId(NamedTuple):
    """Two persons who take part, and whose providers give them the same unique id."""

    one: Person
    one_in: Team | None
    other: Person
    other_in: Team | None


class SameUpload(NamedTuple):
    """Two teams that have handed in the same file."""

    sha256: str
    one: Team
    other: Team
    first_at: datetime


class Changed(NamedTuple):
    """Somebody who was in a team that has submissions that count, and now is in another."""

    person: Person
    left: Team
    left_is_now: str
    """The id of the team that competes with what that one has handed in: it may have merged."""
    counted: int
    now_in: Team
    left_at: datetime


def same_ids(session: Session, challenge_id: str) -> Sequence[SameId]:
    """List pairs of persons with one unique id, both of whom take part."""
    a, b = aliased(Account), aliased(Account)
    one, other = aliased(Person), aliased(Person)
    one_in, other_in = aliased(Team), aliased(Team)
    here_a, here_b = aliased(Membership), aliased(Membership)
    takes_part = select(Participation.person_id).where(
        Participation.challenge_id == challenge_id,
        Participation.state == ParticipationState.ADMITTED,
    )
    rows = session.execute(
        select(one, one_in, other, other_in)
        .join(a, a.person_id == one.id)
        .join(b, and_(b.unique_id == a.unique_id, b.person_id > a.person_id))
        .join(other, other.id == b.person_id)
        .outerjoin(here_a, and_(here_a.person_id == one.id, here_a.challenge_id == challenge_id))
        .outerjoin(one_in, one_in.id == here_a.team_id)
        .outerjoin(here_b, and_(here_b.person_id == other.id, here_b.challenge_id == challenge_id))
        .outerjoin(other_in, other_in.id == here_b.team_id)
        .where(one.id.in_(takes_part), other.id.in_(takes_part))
        .order_by(one.id, other.id)
        .distinct()
        .limit(MOST)
    )
    return [SameId(*row) for row in rows]


def same_uploads(session: Session, challenge_id: str) -> Sequence[SameUpload]:
    """List files that two teams have handed in, and which teams; merged teams are one.

    A file that was only tried on the sample says nothing: it may be the organisers' own example.
    """
    a, b = aliased(Submission), aliased(Submission)
    one, other = aliased(Team), aliased(Team)
    rows = session.execute(
        select(a.blob_sha256, one, other, func.min(a.created_at))
        .join(
            b,
            and_(
                b.challenge_id == a.challenge_id,
                b.blob_sha256 == a.blob_sha256,
                b.team_id > a.team_id,
            ),
        )
        .join(one, one.id == a.team_id)
        .join(other, other.id == b.team_id)
        .where(a.challenge_id == challenge_id, a.is_smoke.is_(False), b.is_smoke.is_(False))
        .group_by(a.blob_sha256, one.id, other.id)
        .order_by(func.min(a.created_at))
        .limit(MOST)
    )
    return [SameUpload(*row) for row in rows]


def changed_teams(session: Session, challenge_id: str) -> Sequence[Changed]:
    """List who left a team that has used some of its limits, and has another team now.

    That the team has merged since makes no difference, unless it became part of the same one.
    """
    before, after = aliased(Team), aliased(Team)
    counted = (
        select(func.count())
        .where(
            or_(Submission.team_id == before.id, Submission.first_team_id == before.id),
            Submission.counts,
        )
        .correlate(before)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Person, before, counted, after, PastMembership.left_at)
        .join(PastMembership, PastMembership.person_id == Person.id)
        .join(before, before.id == PastMembership.team_id)
        .join(
            Membership,
            and_(Membership.person_id == Person.id, Membership.challenge_id == challenge_id),
        )
        .join(after, after.id == Membership.team_id)
        .where(PastMembership.challenge_id == challenge_id, after.id != before.id, counted > 0)
        .order_by(PastMembership.left_at.desc())
        .limit(MOST)
    )
    became = _mergers(session, challenge_id)
    found = []
    for person, left, number, now_in, left_at in rows:
        is_now = _survivor(left.id, became)
        if is_now != now_in.id:
            found.append(
                Changed(
                    person=person,
                    left=left,
                    left_is_now=is_now,
                    counted=number,
                    now_in=now_in,
                    left_at=left_at,
                )
            )
    return found


def _mergers(session: Session, challenge_id: str) -> dict[str, str]:
    """Return for each team that has merged the one that it became part of, by id."""
    rows = session.execute(
        select(Team.id, Team.merged_into_id).where(
            Team.challenge_id == challenge_id, Team.merged_into_id.is_not(None)
        )
    )
    return {team_id: str(into) for team_id, into in rows}


def _survivor(team_id: str, became: Mapping[str, str]) -> str:
    """Follow mergers to the team that competes; a merged team never takes another in."""
    while (into := became.get(team_id)) is not None:
        team_id = into
    return team_id
