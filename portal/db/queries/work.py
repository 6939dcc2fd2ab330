"""What the worker asks: what is to be planned, sent, looked up, watched and collected."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from portal.db.tables import (
    Attempt,
    Evaluation,
    Image,
    Job,
    Phase,
    PhaseTask,
    Standing,
    Submission,
)
from portal.domain.states import AttemptState, EvaluationState, ImageState

BATCH = 200
"""How many rows a step takes up at once; the rest waits for the next pass."""

ON_THE_CLUSTER = (EvaluationState.QUEUED, EvaluationState.RUNNING)


def images_waiting(session: Session) -> Sequence[Image]:
    """List images for which no job has been opened yet, oldest first."""
    return session.scalars(
        select(Image)
        .where(Image.state == ImageState.WAITING)
        .order_by(Image.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def evaluations_waiting(session: Session) -> Sequence[Evaluation]:
    """List evaluations that wait for an image or a slot, oldest first, with what planning needs."""
    return session.scalars(
        select(Evaluation)
        .where(Evaluation.state.in_((EvaluationState.WAITING, EvaluationState.BUILDING)))
        .options(
            selectinload(Evaluation.task),
            selectinload(Evaluation.submission).selectinload(Submission.phase),
        )
        .order_by(Evaluation.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def running_of_team(session: Session, *, phase_id: str, team_id: str) -> int:
    """Count the evaluations of a team in a phase that are with the cluster."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Evaluation)
            .join(Submission)
            .where(
                Submission.phase_id == phase_id,
                Submission.team_id == team_id,
                Evaluation.state.in_(ON_THE_CLUSTER),
            )
        )
        or 0
    )


def open_jobs_of_profile(session: Session, profile: str) -> int:
    """Count the open jobs of a profile."""
    return (
        session.scalar(
            select(func.count()).select_from(Job).where(Job.profile == profile, Job.is_open)
        )
        or 0
    )


def tokens_in(session: Session, cluster: str, states: Sequence[AttemptState]) -> list[str]:
    """List tokens of a cluster's attempts in any of the states, oldest first."""
    return list(
        session.scalars(
            select(Attempt.token)
            .join(Job)
            .where(Job.cluster == cluster, Attempt.state.in_(states))
            .order_by(Attempt.token)
        )
    )


def evaluations_of_phase_submission(session: Session, submission_id: str) -> Sequence[Evaluation]:
    """List the newest evaluation of a submission on each task, with results."""
    rows = session.scalars(
        select(Evaluation)
        .where(Evaluation.submission_id == submission_id)
        .options(selectinload(Evaluation.result))
        .order_by(Evaluation.task_id, Evaluation.number)
    )
    return list({row.task_id: row for row in rows}.values())


def tasks_of_phase(session: Session, phase_id: str) -> set[str]:
    """List the ids of the tasks that a submission to the phase is evaluated on."""
    return set(session.scalars(select(PhaseTask.task_id).where(PhaseTask.phase_id == phase_id)))


def standing(session: Session, *, phase: Phase, team_id: str) -> Standing | None:
    """Read what stands for a team in a phase now."""
    return session.get(Standing, (phase.id, team_id), with_for_update=True)
