"""How much the answers of a challenge's phases could carry, for those who set its limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries import challenge_pages
from portal.db.tables import Phase, PhaseTask, Task
from portal.domain.errors import NotFound
from portal.domain.leaks import Bits, Channel, bits
from portal.domain.people import Actor
from portal.domain.permissions import Audience
from portal.domain.profiles import Resources
from portal.domain.scores import Column
from portal.domain.submissions import SubmissionKind
from portal.services.challenge_frames import Frame, look_up
from portal.services.leaderboards import visible_columns
from portal.services.standings import as_column
from portal.services.submission_facts import FEEDBACK_SCORES

_SEEN_BY_TEAMS = frozenset({Audience.PUBLIC, Audience.PARTICIPANTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLeaks:
    """A phase, what its teams are told, and how much that could carry."""

    slug: str
    title: str
    channel: Channel
    bits: Bits


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPage:
    """What organisers see of their challenge's leaks."""

    frame: Frame
    eta: float | None
    phases: tuple[PhaseLeaks, ...]


def leak_page(
    session: Session, *, actor: Actor, slug: str, resources: Resources, now: datetime
) -> LeakPage:
    """Return the bounds of all phases; raise ``NotFound`` for whoever may not review."""
    visible = look_up(
        session, actor=actor, slug=slug, now=now, options=(challenge_pages.columns(),)
    )
    if not visible.frame.may_review:
        raise NotFound
    challenge = visible.challenge
    columns = [as_column(row) for row in challenge.columns]
    limits = _time_limits(session, challenge.phases, resources)
    phases = []
    for phase in challenge.phases:
        revealed = challenge.reveal_at is not None and challenge.reveal_at < phase.ends_at
        channel = Channel(
            columns=_seen(phase, columns, is_revealed=revealed),
            sealed=phase.is_sealed,
            time_limit=limits[phase.id],
            time_step=timedelta(seconds=phase.time_step),
            held=phase.is_sealed and phase.hold_results,
            attempts=_attempts(phase),
            eta=challenge.ladder_eta,
        )
        phases.append(
            PhaseLeaks(slug=phase.slug, title=phase.title, channel=channel, bits=bits(channel))
        )
    return LeakPage(frame=visible.frame, eta=challenge.ladder_eta, phases=tuple(phases))


def _seen(phase: Phase, columns: Sequence[Column], *, is_revealed: bool) -> Sequence[Column]:
    """Return the columns whose scores a team sees of its own, on its page or the leaderboard."""
    if phase.feedback != FEEDBACK_SCORES and phase.leaderboard not in _SEEN_BY_TEAMS:
        return []
    return visible_columns(columns, is_revealed=is_revealed, may_review=False)


def _attempts(phase: Phase) -> int | None:
    """Return how many submissions of one team count in the whole phase."""
    days = math.ceil((phase.ends_at - phase.starts_at) / timedelta(days=1)) + 1
    bounds = [
        *([phase.total] if phase.total is not None else []),
        *([phase.per_day * days] if phase.per_day is not None else []),
    ]
    return min(bounds, default=None)


def _time_limits(
    session: Session, phases: Sequence[Phase], resources: Resources
) -> dict[str, timedelta]:
    """Return how long a run of each phase can take with its scoring."""
    rows = session.execute(
        select(PhaseTask.phase_id, Task)
        .join(Task, Task.id == PhaseTask.task_id)
        .where(PhaseTask.phase_id.in_([phase.id for phase in phases]))
    ).all()
    by_id = {phase.id: phase for phase in phases}
    limits = {phase.id: timedelta(0) for phase in phases}
    for phase_id, task in rows:
        runs = {SubmissionKind.IMAGE, SubmissionKind.CODE} & set(by_id[phase_id].kinds)
        names = [task.score_profile, *([task.predict_profile] if runs else [])]
        profiles = [resources.profiles[name] for name in names if name in resources.profiles]
        limits[phase_id] += sum((one.time_limit for one in profiles), timedelta(0))
    return limits
