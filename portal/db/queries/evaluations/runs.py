"""What one attempt is for, as the database says; ``portal.worker.boundary`` believes none of it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.db.tables import (
    Attempt,
    Challenge,
    DataSnapshot,
    Evaluation,
    Image,
    Job,
    Phase,
    Submission,
    Task,
    Weights,
)
from portal.domain.evaluations.jobs import JobKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRows:
    """An image to build."""

    job: Job
    image: Image
    base: Image | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRows:
    """A data directory to measure."""

    job: Job
    snapshot: DataSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRows:
    """A prediction or a scoring, with all that it refers to."""

    job: Job
    evaluation: Evaluation
    submission: Submission
    challenge: Challenge
    phase: Phase
    task: Task
    image: Image
    """The submission's image to predict, the scorer's to score."""
    weights: Weights | None
    """What the submission is run with."""
    predict_token: str | None
    """The collected predict attempt whose output is scored; None for results."""
    predict_job_id: str | None


Rows = BuildRows | MeasureRows | RunRows


def rows_of(session: Session, token: str) -> Rows:
    """Load what an attempt is for. Raises ``LookupError`` or SQLAlchemy's errors for what is not there."""
    attempt = session.get_one(Attempt, token)
    job = session.get_one(Job, attempt.job_id)
    if job.image_id is not None:
        image = session.get_one(Image, job.image_id)
        base = session.get(Image, image.base_image_id) if image.base_image_id else None
        return BuildRows(job=job, image=image, base=base)
    if job.snapshot_id is not None:
        return MeasureRows(job=job, snapshot=session.get_one(DataSnapshot, job.snapshot_id))
    return _run_rows(session, job)


def _run_rows(session: Session, job: Job) -> RunRows:
    evaluation = session.scalars(
        select(Evaluation)
        .where(Evaluation.id == job.evaluation_id)
        .options(
            selectinload(Evaluation.task),
            selectinload(Evaluation.submission).selectinload(Submission.phase),
            selectinload(Evaluation.submission).selectinload(Submission.challenge),
        )
    ).one()
    submission, task = evaluation.submission, evaluation.task
    scores = job.kind is JobKind.SCORE
    image_id = task.scorer_image_id if scores else evaluation.image_id
    if image_id is None:
        raise LookupError(f"evaluation {evaluation.id} has nothing to run")
    predict = _predict_attempt(session, evaluation.id) if scores else None
    return RunRows(
        job=job,
        evaluation=evaluation,
        submission=submission,
        challenge=submission.challenge,
        phase=submission.phase,
        task=task,
        image=session.get_one(Image, image_id),
        weights=session.get(Weights, submission.weights_id) if submission.weights_id else None,
        predict_token=predict.token if predict else None,
        predict_job_id=predict.job_id if predict else None,
    )


def _predict_attempt(session: Session, evaluation_id: str) -> Attempt | None:
    """Return the attempt that was ingested: the last one of the evaluation's predict job."""
    return session.scalar(
        select(Attempt)
        .join(Job)
        .where(Job.evaluation_id == evaluation_id, Job.kind == JobKind.PREDICT)
        .order_by(Attempt.number.desc())
        .limit(1)
    )
