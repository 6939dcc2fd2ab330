"""Who takes part, as organisers see it: requests, teams, and what they should look into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Participation
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.challenges.context import Frame, look_up
from portal.services.teams.abuse_signals import Hint, hints_of
from portal.services.teams.participation_lists import ListedPerson, listed
from portal.services.teams.team_lists import TeamList, team_list

MAX_REQUESTS = 200
"""People on the page: those who wait first, and of these who has waited longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantsPage:
    """Everything about who takes part."""

    frame: Frame
    policy: str
    requests: tuple[ListedPerson, ...]
    has_more_requests: bool
    """Whether there are more than the page shows."""
    teams: TeamList
    hints: tuple[Hint, ...]


def participants_page(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> ParticipantsPage:
    """Return it to whoever organises the challenge; raise ``NotFoundError`` for everybody else."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_manage_participants(actor, visible.relation):
        raise NotFoundError
    challenge = visible.challenge
    requests = listed(session, challenge.id, _requests(session, challenge.id))
    return ParticipantsPage(
        frame=visible.frame,
        policy=challenge.join_policy,
        requests=requests[:MAX_REQUESTS],
        has_more_requests=len(requests) > MAX_REQUESTS,
        teams=team_list(session, actor=actor, slug=slug, page=page, now=now),
        hints=hints_of(session, challenge.id),
    )


def _requests(session: Session, challenge_id: str) -> Sequence[Participation]:
    return session.scalars(
        select(Participation)
        .where(
            Participation.challenge_id == challenge_id,
            Participation.state.in_([ParticipationState.ASKED, ParticipationState.DECLINED]),
        )
        .options(joinedload(Participation.person))
        .order_by(
            Participation.state != ParticipationState.ASKED,
            Participation.asked_at,
            Participation.person_id,
        )
        .limit(MAX_REQUESTS + 1)
    ).all()
