"""What runs, and what has run, by challenge and team."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.db.queries.evaluations.work import ON_THE_CLUSTER
from portal.db.tables import NOT_A_RERUN, Attempt, Evaluation, Job, Phase, Submission, Task
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import FINAL_EVALUATIONS, AttemptState, EvaluationState
from portal.domain.submissions.disclosure import Failures

_COUNTS = NOT_A_RERUN
"""What the site runs again to compare is nobody's use."""


_IS_SEALED = and_(Phase.failures == Failures.SEALED, Submission.is_smoke.is_(False))
_IS_EMBARGOED = and_(_IS_SEALED, Phase.hold_results, _COUNTS)
"""Whether the end of an evaluation is shown after whole steps only: until then its places are not free either."""
_KEEPS_PLACE = and_(
    Evaluation.state == EvaluationState.SCORING, Evaluation.image_id.is_not(None), _IS_EMBARGOED
)
"""A run that has ended while nobody may see it: whatever begins in its place would tell when."""


TAKES_PLACE = or_(Job.is_open, and_(Job.kind == JobKind.PREDICT, _KEEPS_PLACE))
"""A job that counts against the places of its profile."""


class Bucket(NamedTuple):
    """Where an evaluation counts."""

    challenge: str
    phase: str
    team: str
    is_smoke: bool
    """A run on the public sample, which no limit of the phase knows."""


class Time(NamedTuple):
    """When an attempt had its resources."""

    profile: str
    is_live: bool
    started_at: datetime | None
    ended_at: datetime | None
    step: int | None = None
    """Seconds of which the time is shown in whole numbers; None where it is no secret."""


def running(session: Session) -> dict[Bucket, int]:
    """Count the evaluations that are with the cluster, by where they count."""
    where = (
        Submission.challenge_id,
        Submission.phase_id,
        Submission.team_id,
        Submission.is_smoke,
    )
    rows = session.execute(
        select(*where, func.count())
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(Phase, Phase.id == Submission.phase_id)
        .where(
            # For the index: without it all that ever ran would be looked at.
            Evaluation.state.in_((*ON_THE_CLUSTER, EvaluationState.SCORING)),
            or_(Evaluation.state.in_(ON_THE_CLUSTER), _KEEPS_PLACE),
            _COUNTS,
        )
        .group_by(*where)
    )
    return {Bucket(*row[:4]): row[4] for row in rows}


class TimeOf(NamedTuple):
    """When an attempt had its resources, and whose it is."""

    whose: str
    time: Time


def times(session: Session, *, challenge_id: str, team_id: str | None) -> Sequence[Time]:
    """List the attempts of a challenge's evaluations, or of one team's, with their times."""
    statement = _times().where(Submission.challenge_id == challenge_id)
    if team_id is not None:
        statement = statement.where(Submission.team_id == team_id)
    return [Time(*row) for row in session.execute(statement)]


def times_by_team(
    session: Session, challenge_id: str, teams: Collection[str] | None = None
) -> Sequence[TimeOf]:
    """List the attempts of a challenge's evaluations by team; only those of some teams, where they are named."""
    statement = _times(Submission.team_id).where(Submission.challenge_id == challenge_id)
    if teams is not None:
        statement = statement.where(Submission.team_id.in_(teams))
    return [TimeOf(row[0], Time(*row[1:])) for row in session.execute(statement)]


def all_times(session: Session) -> Sequence[TimeOf]:
    """List the attempts of all evaluations by challenge."""
    statement = _times(Submission.challenge_id)
    return [TimeOf(row[0], Time(*row[1:])) for row in session.execute(statement)]


def _times(*whose: InstrumentedAttribute[str]) -> Select[*tuple[Any, ...]]:
    is_held = and_(
        Attempt.started_at.is_not(None), _IS_EMBARGOED, Evaluation.state.not_in(FINAL_EVALUATIONS)
    )
    return (
        select(
            *whose,
            Job.profile,
            or_(Attempt.state.not_in(_OVER), is_held),
            Attempt.started_at,
            Attempt.ended_at,
            case((_IS_SEALED, Phase.time_step)),
        )
        .join_from(Attempt, Job, Job.id == Attempt.job_id)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Phase, Phase.id == Submission.phase_id)
        .where(_COUNTS)
    )


def queued_before(session: Session, *, profile: str, attempt: Attempt) -> int:
    """Count the attempts of a profile that have been in the cluster's queue for longer than one."""
    statement = (
        select(func.count())
        .select_from(Attempt)
        .join(Job, Job.id == Attempt.job_id)
        .where(
            Job.profile == profile,
            Attempt.state == AttemptState.QUEUED,
            tuple_(Attempt.queued_at, Attempt.token) < tuple_(attempt.queued_at, attempt.token),
        )
    )
    return session.scalar(statement) or 0


def waits_before(session: Session, evaluation: Evaluation) -> bool:
    """Whether an older evaluation on the same cluster waits to run."""
    cluster = select(Task.cluster).where(Task.id == evaluation.task_id).scalar_subquery()
    older = (
        select(Evaluation.id)
        .join(Task, Task.id == Evaluation.task_id)
        .where(
            Task.cluster == cluster,
            Evaluation.id < evaluation.id,
            Evaluation.state.in_((EvaluationState.WAITING, EvaluationState.BUILDING)),
        )
    )
    return bool(session.scalar(select(older.exists())))


_OVER = (AttemptState.ENDED, AttemptState.COLLECTED, AttemptState.LOST)
