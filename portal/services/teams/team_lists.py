"""The teams of a challenge, for those who organise it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.teams import team_lists as queries
from portal.db.tables import Membership
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.challenges.context import Frame, look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """Somebody in a team."""

    person_id: str
    name: str
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTeam:
    """A team that competes."""

    id: str
    name: str
    members: tuple[MemberFacts, ...]
    submissions: int
    counted: int
    """Of its submissions, those that count against the limits."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamList:
    """A page of a challenge's teams."""

    frame: Frame
    rows: tuple[ListedTeam, ...]
    pages: Slice


def member_facts(row: Membership) -> MemberFacts:
    """Return a member as team mates and organisers know them."""
    return MemberFacts(person_id=row.person_id, name=row.person.names.own, joined_at=row.joined_at)


def team_list(session: Session, *, actor: Actor, slug: str, page: int, now: datetime) -> TeamList:
    """List the teams by name; raise ``NotFoundError`` for whoever does not organise the challenge."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.may_organise:
        raise NotFoundError
    found = queries.page_of(
        session, visible.challenge.id, offset=(page - 1) * PAGE_SIZE, size=PAGE_SIZE
    )
    if page > 1 and not found:
        raise NotFoundError
    members = queries.members_of(session, [row.team for row in found])
    return TeamList(
        frame=visible.frame,
        rows=tuple(
            ListedTeam(
                id=row.team.id,
                name=row.team.name,
                members=tuple(
                    member_facts(member) for member in members if member.team_id == row.team.id
                ),
                submissions=row.submissions,
                counted=row.counted,
                created_at=row.team.created_at,
            )
            for row in found
        ),
        pages=Slice(number=page, total=found[0].total if found else 0),
    )
