"""A challenge in numbers: its phases, what is left of their limits, and how one stands to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.tables import Participation, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.leaderboards.scores import Column, Rule
from portal.domain.submissions.questions import Question
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.challenges.context import Frame, PhaseFacts, Visible, look_up
from portal.services.leaderboards.boards import as_columns, visible_columns
from portal.services.leaderboards.open_boards import BoardFacts, open_boards
from portal.services.submissions.form import PhaseChoice, choices
from portal.services.submissions.questions.answers import questions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDetails:
    """A phase, and what of it is open to the actor."""

    facts: PhaseFacts
    left: PhaseChoice | None
    """Only of a phase that is open."""
    has_leaderboard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeDetails:
    """A challenge as the actor stands to it."""

    frame: Frame
    join_policy: str
    participation: ParticipationState | None
    team: str | None
    phases: tuple[PhaseDetails, ...]
    boards: tuple[BoardFacts, ...]
    """Those that the actor may see."""
    rule: Rule
    """Of the first of them."""
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]


def challenge_details(
    session: Session, *, actor: Actor, slug: str, now: datetime
) -> ChallengeDetails:
    """Return a challenge; raise ``NotFoundError`` if there is none that the actor may see."""
    visible = look_up(session, actor=actor, slug=slug, now=now, with_boards=True)
    challenge = visible.challenge
    participation, team = _own(session, actor, visible)
    rows = challenge.boards[0].columns if challenge.boards else []
    columns = visible_columns(
        as_columns(challenge, rows), now=now, may_review=visible.frame.may_review
    )
    boards = tuple(one.facts for one in open_boards(actor, visible, now))
    return ChallengeDetails(
        frame=visible.frame,
        join_policy=challenge.join_policy,
        participation=participation.state if participation else None,
        team=team.name if team else None,
        phases=_phases(session, actor, visible, boards, now),
        boards=boards,
        rule=boards[0].rule if boards else challenge.rule,
        columns=tuple(columns),
        questions=questions_of(challenge),
    )


def _own(
    session: Session, actor: Actor, visible: Visible
) -> tuple[Participation | None, Team | None]:
    if not permissions.may_use(actor, Scope.READ):
        return None, None
    participation = session.get(Participation, (visible.challenge.id, actor.person_id))
    team = session.get(Team, visible.team_id) if visible.team_id else None
    return participation, team


def _phases(
    session: Session,
    actor: Actor,
    visible: Visible,
    boards: Sequence[BoardFacts],
    now: datetime,
) -> tuple[PhaseDetails, ...]:
    open_phases: tuple[PhaseChoice, ...] = ()
    if actor.person_id is not None and permissions.may_use(actor, Scope.READ):
        open_phases = choices(session, visible, actor.person_id, now=now)
    left = {choice.phase.slug: choice for choice in open_phases}
    shown = {phase.slug for board in boards for phase in board.phases}
    return tuple(
        PhaseDetails(facts=facts, left=left.get(facts.slug), has_leaderboard=facts.slug in shown)
        for facts in visible.frame.phases
    )
