"""What a team has used of a phase's limits, and what they refuse: counted here, for pages, API and transactions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import NOT_A_RERUN, Evaluation, Phase, Submission, Task, Team
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.limits import (
    Limits,
    SubmissionKind,
    Used,
    check_quota,
    check_smoke,
    start_of_day,
)
from portal.services.teams import teams


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLeft:
    """What a team has used of a phase's limits."""

    limits: Limits
    used: Used


def quota_left(session: Session, *, person_id: str, phase: Phase, now: datetime) -> QuotaLeft:
    """Return what the person's team has used; nothing where there is no team yet."""
    team = teams.team_of(session, challenge_id=phase.challenge_id, person_id=person_id)
    nothing = Used(today=0, total=0)
    return QuotaLeft(
        limits=limits_of(phase),
        used=used(session, phase, team.id, now=now) if team else nothing,
    )


def limits_of(phase: Phase) -> Limits:
    """Return the limits of a phase as the domain counts them."""
    return Limits(per_day=phase.per_day, total=phase.total, running=phase.running)


def used(session: Session, phase: Phase, team_id: str, *, now: datetime) -> Used:
    """Count the submissions that count, in one query."""
    total, today = session.execute(
        select(
            func.count(),
            func.count().filter(Submission.created_at >= start_of_day(now)),
        ).where(
            Submission.phase_id == phase.id,
            Submission.team_id == team_id,
            Submission.counts,
        )
    ).one()
    return Used(today=today, total=total)


def check_limits(
    session: Session,
    phase: Phase,
    tasks: list[Task],
    team: Team,
    kind: SubmissionKind,
    *,
    smoke: bool,
    now: datetime,
) -> None:
    """Refuse what a team's limits have no room for. Raises ``ParticipantError``."""
    if smoke:
        _check_smoke(session, phase, tasks, team, kind, now=now)
    else:
        check_quota(limits_of(phase), used(session, phase, team.id, now=now), now=now)


def _check_smoke(
    session: Session,
    phase: Phase,
    tasks: list[Task],
    team: Team,
    kind: SubmissionKind,
    *,
    now: datetime,
) -> None:
    mine = select(func.count(Submission.id.distinct())).where(
        Submission.challenge_id == phase.challenge_id,
        Submission.team_id == team.id,
        Submission.is_smoke,
    )
    over = (EvaluationState.SCORED, EvaluationState.FAILED, EvaluationState.CANCELLED)
    running = mine.join(Evaluation).where(Evaluation.state.not_in(over), NOT_A_RERUN)
    check_smoke(
        kind,
        today=session.scalar(mine.where(Submission.created_at >= start_of_day(now))) or 0,
        running=session.scalar(running) or 0,
        is_offered=offers_smoke(phase, tasks),
    )


def offers_smoke(phase: Phase, tasks: Iterable[Task]) -> bool:
    """Whether programs can be tried on a public sample, with what they write."""
    return phase.logs == "smoke" and all(task.sample_sha256 is not None for task in tasks)
