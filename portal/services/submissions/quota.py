"""What a team has used of a phase's limits, and what they refuse: counted here, for pages, API and transactions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.tables import NOT_A_RERUN, Evaluation, ExtraTries, Phase, Submission, Task, Team
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions import disclosure
from portal.domain.submissions.limits import (
    Limits,
    Room,
    SubmissionKind,
    Used,
    check_quota,
    check_smoke,
    room,
    start_of_day,
    start_of_week,
)
from portal.services.teams import teams


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLeft:
    """What a team has left of a phase's limits."""

    limits: Limits
    room: Room


def quota_left(session: Session, *, person_id: str, phase: Phase, now: datetime) -> QuotaLeft:
    """Return what the person's team has left; all of it where there is no team yet."""
    team = teams.team_of(session, challenge_id=phase.challenge_id, person_id=person_id)
    limits = limits_of(phase)
    so_far = used(session, phase, team.id, now=now) if team else Used(today=0, total=0)
    return QuotaLeft(limits=limits, room=room(limits, so_far, ends_at=_last(phase, now), now=now))


def limits_of(phase: Phase) -> Limits:
    """Return the limits of a phase as the domain counts them."""
    return Limits(
        per_day=phase.per_day,
        per_week=phase.per_week,
        total=phase.total,
        running=phase.running,
        failed_per_day=phase.failed_per_day,
    )


def used(session: Session, phase: Phase, team_id: str, *, now: datetime) -> Used:
    """Count the submissions that count, in one query."""
    mine = (
        select(
            Submission.created_at.label("at"),
            Submission.is_extra.label("is_extra"),
            _counts_apart(phase).label("is_apart"),
        )
        .where(
            Submission.phase_id == phase.id,
            Submission.team_id == team_id,
            Submission.counts,
        )
        .subquery()
    )
    given = select(func.coalesce(func.sum(ExtraTries.number), 0)).where(
        ExtraTries.phase_id == phase.id, ExtraTries.team_id == team_id
    )
    is_today = mine.c.at >= start_of_day(now)
    is_usual = and_(~mine.c.is_apart, ~mine.c.is_extra)
    total, week, today, failed_today, extra, extra_given = session.execute(
        select(
            func.count().filter(is_usual),
            func.count().filter(is_usual, mine.c.at >= start_of_week(now)),
            func.count().filter(is_usual, is_today),
            func.count().filter(mine.c.is_apart, is_today),
            func.count().filter(~mine.c.is_apart, mine.c.is_extra),
            given.scalar_subquery(),
        ).select_from(mine)
    ).one()
    return Used(
        today=today,
        week=week,
        total=total,
        failed_today=failed_today,
        extra=extra,
        extra_given=int(extra_given),
    )


def _last(phase: Phase, now: datetime) -> datetime | None:
    """Return until when submissions are taken as they are now, in time or late; None without an end."""
    return phase.late_until if phase.is_late(now) else phase.ends_at


def _counts_apart(phase: Phase) -> ColumnElement[bool]:
    """Whether a submission has failed on every task so that ``failed_per_day`` counts it, and nothing else does."""
    if phase.failed_per_day is None:
        return false()
    reasons = disclosure.counted_apart(sealed=phase.is_sealed)
    mine = aliased(Evaluation)
    has_else = exists().where(
        mine.submission_id == Submission.id,
        func.coalesce(mine.rerun_of, "") == "",
        or_(
            mine.state != EvaluationState.FAILED,
            mine.reason.is_(None),
            mine.reason.not_in(reasons),
        ),
    )
    return ~has_else


def check_limits(
    session: Session,
    phase: Phase,
    tasks: list[Task],
    team: Team,
    kind: SubmissionKind,
    *,
    smoke: bool,
    now: datetime,
) -> bool:
    """Refuse what a team's limits have no room for; return whether it uses an extra try. Raises ``ParticipantError``."""
    if smoke:
        _check_smoke(session, phase, tasks, team, kind, now=now)
        return False
    so_far = used(session, phase, team.id, now=now)
    return check_quota(limits_of(phase), so_far, ends_at=_last(phase, now), now=now)


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
