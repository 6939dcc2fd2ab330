"""What could be somebody who gets around the limits of their team: for organisers to look into."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.queries.challenges import dry_runs
from portal.db.tables import (
    Account,
    Membership,
    Participation,
    PastMembership,
    Person,
    Submission,
    Team,
)
from portal.domain.teams.membership_rules import ParticipationState

MAX_ROWS = 50
"""Rows of each kind; whoever has more has other worries."""
NAMED = 5
"""Teams that are named of those with the same file."""


class SameId(NamedTuple):
    """Two persons who take part, and whose providers give them the same unique id."""

    one: Person
    one_in: Team | None
    other: Person
    other_in: Team | None


class SameUpload(NamedTuple):
    """Teams that have submitted the same file."""

    sha256: str
    number: int
    """How many teams."""
    teams: tuple[Team, ...]
    """The first of them."""


class Changed(NamedTuple):
    """Somebody who was in a team that has submissions that count, and now is in another."""

    person: Person
    left: Team
    left_is_now: str
    """The id of the team that competes with what that one has submitted: it may have merged."""
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
        .limit(MAX_ROWS)
    )
    return [SameId(*row) for row in rows]


def same_uploads(session: Session, challenge_id: str) -> Sequence[SameUpload]:
    """List files that several teams have submitted, and the first of those teams; merged teams are one.

    A file that was only tried on the sample says nothing: it may be the organisers' own example. Takes time that grows
    with the submissions, and not with the pairs of teams that have the same file.
    """
    of_challenge = (
        Submission.challenge_id == challenge_id,
        Submission.is_smoke.is_(False),
        ~dry_runs.is_of_dry_run(),
    )
    number = func.count(Submission.team_id.distinct())
    files = session.execute(
        select(Submission.blob_sha256, number)
        .where(*of_challenge)
        .group_by(Submission.blob_sha256)
        .having(number > 1)
        .order_by(func.min(Submission.created_at))
        .limit(MAX_ROWS)
    ).all()
    first_at = func.min(Submission.created_at)
    place = func.row_number().over(
        partition_by=Submission.blob_sha256, order_by=(first_at, Submission.team_id)
    )
    firsts = (
        select(Submission.blob_sha256, Submission.team_id, place.label("place"))
        .where(*of_challenge, Submission.blob_sha256.in_([sha256 for sha256, _ in files]))
        .group_by(Submission.blob_sha256, Submission.team_id)
        .subquery()
    )
    named: dict[str, list[Team]] = {sha256: [] for sha256, _ in files}
    for sha256, team in session.execute(
        select(firsts.c.blob_sha256, Team)
        .join(Team, Team.id == firsts.c.team_id)
        .where(firsts.c.place <= NAMED)
        .order_by(firsts.c.place)
    ):
        named[sha256].append(team)
    return [
        SameUpload(sha256=sha256, number=number, teams=tuple(named[sha256]))
        for sha256, number in files
    ]


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
        .limit(MAX_ROWS)
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
