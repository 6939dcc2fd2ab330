"""What a team sees of itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.queries.teams import team_lists as queries
from portal.db.tables import MergeRequest, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.teams.membership_rules import MergeState
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.teams import invitations, joining
from portal.services.teams.joining import JoinPage
from portal.services.teams.team_lists import MemberFacts, member_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """A link that works; its secret was seen once."""

    id: str
    by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeFacts:
    """A wish to merge that nobody has decided yet."""

    id: str
    team: str
    """The other one."""
    is_ours: bool
    """Whether the own team asks."""
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPage:
    """The actor's team, or how to get into one."""

    frame: Frame
    join: JoinPage
    name: str | None
    """None: they are in no team yet."""
    members: tuple[MemberFacts, ...]
    largest: int
    freezes_at: datetime | None
    is_frozen: bool
    links: tuple[LinkFacts, ...]
    merges: tuple[MergeFacts, ...]


def team_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> TeamPage:
    """Return the actor's team in a challenge, also once that is over."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_see_own_part(actor, visible.relation, has_part=visible.frame.takes_part):
        raise access.not_now(visible.relation, "see your team")
    challenge = visible.challenge
    team = session.get_one(Team, visible.team_id) if visible.team_id else None
    freeze_at = challenge.rosters_freeze_at
    return TeamPage(
        frame=visible.frame,
        join=joining.join_page(session, actor=actor, slug=slug, now=now),
        name=team.name if team else None,
        members=tuple(
            member_facts(row) for row in (queries.members_of(session, [team]) if team else ())
        ),
        largest=challenge.team_size,
        freezes_at=freeze_at,
        is_frozen=freeze_at is not None and now >= freeze_at,
        links=_links(session, team, now) if team else (),
        merges=_merges(session, team) if team else (),
    )


def _links(session: Session, team: Team, now: datetime) -> tuple[LinkFacts, ...]:
    return tuple(
        LinkFacts(
            id=row.id,
            by=row.author.names.own,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        for row in invitations.open_of(session, team.id, now=now)
    )


def _merges(session: Session, team: Team) -> tuple[MergeFacts, ...]:
    rows = session.scalars(
        select(MergeRequest)
        .where(
            MergeRequest.state == MergeState.ASKED,
            or_(MergeRequest.from_team_id == team.id, MergeRequest.to_team_id == team.id),
        )
        .options(joinedload(MergeRequest.from_team), joinedload(MergeRequest.to_team))
        .order_by(MergeRequest.id)
    )
    return tuple(
        MergeFacts(
            id=row.id,
            team=row.to_team.name if row.from_team_id == team.id else row.from_team.name,
            is_ours=row.from_team_id == team.id,
            asked_at=row.asked_at,
        )
        for row in rows
        # A team that has merged meanwhile neither asks nor is asked any more.
        if row.from_team.merged_into_id is None and row.to_team.merged_into_id is None
    )
