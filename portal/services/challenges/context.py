"""What all pages of one challenge share: its title, its phases, its tabs, and who is looking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from portal.db.queries.challenges import challenge_pages as queries
from portal.db.tables import Challenge, Phase
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges import life
from portal.domain.challenges.calendar import PhaseStatus, TimeWindow
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.questions import Asking
from portal.domain.permissions import ChallengeRelation
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.challenges import access


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFacts:
    """A phase as people see it."""

    slug: str
    title: str
    window: TimeWindow
    status: PhaseStatus
    kinds: tuple[SubmissionKind, ...]
    per_day: int | None
    total: int | None
    running: int | None
    leaderboard: permissions.Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page that the organisers wrote."""

    slug: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The head of a challenge's pages."""

    slug: str
    title: str
    status: PhaseStatus
    state: ChallengeState
    tabs: tuple[Tab, ...]
    has_terms: bool
    has_news: bool
    """Whether there is something to read among the news, or the actor may write some."""
    q_and_a: Asking
    questions_waiting: int
    """How many wait for an answer, for whoever organises the challenge; 0 for everybody else."""
    phases: tuple[PhaseFacts, ...]
    team_size: int
    may_submit: bool
    may_organise: bool
    may_review: bool
    may_own: bool
    takes_part: bool
    """Whether they are in a team of the challenge, or have been let in."""
    participation: ParticipationState | None
    must_join: bool
    """Whether they have to be let in, or accept changed terms, before they can submit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """A challenge that the actor may see, with the row itself for the service that asked."""

    challenge: Challenge
    relation: ChallengeRelation
    team_id: str | None
    frame: Frame


def look_up(
    session: Session, *, actor: Actor, slug: str, now: datetime, options: Sequence[ORMOption] = ()
) -> Visible:
    """Find a challenge for an actor; raise ``NotFoundError`` if there is none that they may see."""
    visible = access.find(session, actor, slug, *queries.titles_and_phases(), *options)
    return Visible(
        challenge=visible.challenge,
        relation=visible.relation,
        team_id=visible.found.team_id,
        frame=_frame(actor, visible, now),
    )


def phase_facts(phase: Phase, now: datetime) -> PhaseFacts:
    """Return a phase as people see it at a moment."""
    window = TimeWindow(starts_at=phase.starts_at, ends_at=phase.ends_at)
    return PhaseFacts(
        slug=phase.slug,
        title=phase.title,
        window=window,
        status=window.status(now),
        kinds=tuple(kind for kind in SubmissionKind if kind in phase.kinds),
        per_day=phase.per_day,
        total=phase.total,
        running=phase.running,
        leaderboard=phase.leaderboard,
    )


def _frame(actor: Actor, visible: access.VisibleChallenge, now: datetime) -> Frame:
    challenge, found, relation = visible.challenge, visible.found, visible.relation
    phases = tuple(phase_facts(phase, now) for phase in challenge.phases)
    return Frame(
        slug=challenge.slug,
        title=challenge.title,
        status=life.status(challenge.state, [phase.window for phase in phases], now),
        state=challenge.state,
        tabs=tuple(Tab(slug=page.slug, title=page.title) for page in challenge.pages),
        has_terms=bool(challenge.terms.strip()),
        has_news=found.has_news or permissions.may_announce(actor, relation),
        q_and_a=challenge.q_and_a,
        questions_waiting=(
            found.questions_waiting if permissions.may_answer(actor, relation) else 0
        ),
        phases=phases,
        team_size=challenge.team_size,
        may_submit=permissions.may_submit(actor, relation),
        may_organise=permissions.may_organise(actor, relation),
        may_review=permissions.may_review(actor, relation),
        may_own=permissions.may_own(actor, relation),
        # Whoever was put out keeps a team in which nobody else is: its results are theirs to read.
        takes_part=found.team_id is not None or found.participation is ParticipationState.ADMITTED,
        participation=found.participation,
        must_join=visible.must_join,
    )
