"""What all pages of one challenge share: its title, its phases, its tabs, and who is looking."""

from collections.abc import Mapping, Sequence
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
from portal.domain.submissions.admission import Needs, Prerequisite
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
    per_week: int | None
    total: int | None
    running: int | None
    failed_per_day: int | None
    leaderboard: permissions.Audience
    prerequisite: Prerequisite | None
    """What a team needs in an earlier phase before it can submit to this one."""
    takes_late: bool
    """Whether submissions after the end are evaluated, without a rank."""
    late_until: datetime | None
    """Until when; None: until the challenge is closed."""
    is_late: bool
    """Whether it is over, and takes them now."""


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
    logo: str
    """The path of a picture; empty without."""
    has_terms: bool
    has_files: bool
    has_news: bool
    """Whether there is something to read among the news, or the actor may write some."""
    q_and_a: Asking
    questions_waiting: int
    """How many wait for an answer, for whoever organises the challenge; 0 for everybody else."""
    phases: tuple[PhaseFacts, ...]
    timezone: str
    """In which dates are shown beside UTC; empty: in none."""
    team_size: int
    may_submit: bool
    takes_late: bool
    """Whether nothing is open, and something can be submitted all the same."""
    admits_teams: bool
    """Whether a phase asks for the organisers' hand."""
    may_organise: bool
    may_review: bool
    may_own: bool
    takes_part: bool
    """Whether they are in a team of the challenge, or have been let in."""
    participation: ParticipationState | None
    is_inside: bool
    """Whether they read what is for participants only."""
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
    session: Session,
    *,
    actor: Actor,
    slug: str,
    now: datetime,
    with_boards: bool = False,
    options: Sequence[ORMOption] = (),
) -> Visible:
    """Find a challenge for an actor; raise ``NotFoundError`` if there is none that they may see."""
    frame = queries.titles_phases_and_boards() if with_boards else queries.titles_and_phases()
    visible = access.find(session, actor, slug, *frame, *options)
    return Visible(
        challenge=visible.challenge,
        relation=visible.relation,
        team_id=visible.found.team_id,
        frame=_frame(actor, visible, now),
    )


def phase_facts(phase: Phase, titles: Mapping[str, str], now: datetime) -> PhaseFacts:
    """Return a phase as people see it at a moment; ``titles`` are those of all phases by their slugs."""
    window = TimeWindow(starts_at=phase.starts_at, ends_at=phase.ends_at)
    return PhaseFacts(
        slug=phase.slug,
        title=phase.title,
        window=window,
        status=window.status(now),
        kinds=tuple(kind for kind in SubmissionKind if kind in phase.kinds),
        per_day=phase.per_day,
        per_week=phase.per_week,
        total=phase.total,
        running=phase.running,
        failed_per_day=phase.failed_per_day,
        leaderboard=phase.leaderboard,
        prerequisite=Prerequisite(
            phase=titles[phase.after_slug], needs=phase.after_needs, rank=phase.after_rank
        )
        if phase.after_slug and phase.after_needs
        else None,
        takes_late=phase.takes_late,
        late_until=phase.late_until,
        is_late=phase.is_late(now),
    )


def _frame(actor: Actor, visible: access.VisibleChallenge, now: datetime) -> Frame:
    challenge, found, relation = visible.challenge, visible.found, visible.relation
    is_inside = permissions.may_read_inside(actor, relation, is_admitted=visible.is_admitted)
    titles = {phase.slug: phase.title for phase in challenge.phases}
    phases = tuple(phase_facts(phase, titles, now) for phase in challenge.phases)
    status = life.status(challenge.state, [phase.window for phase in phases], now)
    return Frame(
        slug=challenge.slug,
        title=challenge.title,
        status=status,
        state=challenge.state,
        tabs=tuple(
            Tab(slug=page.slug, title=page.title)
            for page in challenge.pages
            if is_inside or page.readers is permissions.Readers.EVERYBODY
        ),
        logo=challenge.logo,
        has_terms=bool(challenge.terms.strip()),
        has_files=found.has_files,
        has_news=found.has_news or permissions.may_announce(actor, relation),
        q_and_a=challenge.q_and_a,
        questions_waiting=(
            found.questions_waiting if permissions.may_answer(actor, relation) else 0
        ),
        phases=phases,
        timezone=challenge.timezone,
        team_size=challenge.team_size,
        may_submit=permissions.may_submit(actor, relation),
        takes_late=status is not PhaseStatus.OPEN
        and relation.is_open
        and any(phase.is_late for phase in phases),
        admits_teams=any(
            phase.prerequisite is not None and phase.prerequisite.needs is Needs.ORGANISERS
            for phase in phases
        ),
        may_organise=permissions.may_organise(actor, relation),
        may_review=permissions.may_review(actor, relation),
        may_own=permissions.may_own(actor, relation),
        # Whoever was put out keeps a team in which nobody else is: its results are theirs to read.
        takes_part=found.team_id is not None or found.participation is ParticipationState.ADMITTED,
        participation=found.participation,
        is_inside=is_inside,
        must_join=visible.must_join,
    )
