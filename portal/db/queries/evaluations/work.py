"""What the worker asks: what is to be planned, sent, looked up, watched and collected."""

from collections.abc import Sequence

from sqlalchemy import CompoundSelect, and_, exists, func, select, union
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.db.tables import (
    NOT_A_RERUN,
    Attempt,
    Blob,
    Cancellation,
    Evaluation,
    Image,
    Job,
    PhaseTask,
    Submission,
    Task,
)
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import AttemptState, EvaluationState

BATCH = 200
"""How many rows a step takes up at once; the rest waits for the next pass."""

ON_THE_CLUSTER = (EvaluationState.QUEUED, EvaluationState.RUNNING)


def open_or_scoring() -> CompoundSelect[str]:
    """Name the jobs that are open, and those of evaluations that are being scored, each found by an index."""
    scoring = select(Evaluation.id).where(Evaluation.state == EvaluationState.SCORING)
    return union(
        select(Job.id).where(Job.is_open), select(Job.id).where(Job.evaluation_id.in_(scoring))
    )


def evaluations_waiting(session: Session, cluster: str) -> Sequence[Evaluation]:
    """List evaluations on a cluster that wait for an image or a slot, with what planning needs, oldest first.

    Of each team as many as a batch has room for, its oldest: one that submits a thousand does not
    keep the others out of sight.
    """
    here = select(Task.id).where(Task.cluster == cluster)
    waits = and_(
        Evaluation.state.in_((EvaluationState.WAITING, EvaluationState.BUILDING)),
        Evaluation.task_id.in_(here),
    )
    place = func.row_number().over(partition_by=Submission.team_id, order_by=Evaluation.id)
    ranked = select(Evaluation.id, place.label("place")).join(Submission).where(waits).subquery()
    first = select(ranked.c.id).order_by(ranked.c.place, ranked.c.id).limit(BATCH)
    return session.scalars(
        select(Evaluation)
        .where(Evaluation.id.in_(first), waits)
        .options(
            joinedload(Evaluation.task, innerjoin=True),
            joinedload(Evaluation.submission, innerjoin=True).options(
                joinedload(Submission.phase, innerjoin=True),
                joinedload(Submission.challenge, innerjoin=True),
                joinedload(Submission.weights),
            ),
        )
        .order_by(Evaluation.id)
        .with_for_update(skip_locked=True, of=Evaluation)
    ).all()


def images_of(
    session: Session, evaluations: Sequence[Evaluation], probe_image_id: str
) -> Sequence[Image]:
    """List the images that evaluations run in, those of their scorers, and the probe."""
    ids = {one.image_id for one in evaluations} | {one.task.scorer_image_id for one in evaluations}
    ids.add(probe_image_id)
    return session.scalars(select(Image).where(Image.id.in_(ids - {None}))).all()


def uploads_of(session: Session, evaluations: Sequence[Evaluation]) -> Sequence[Blob]:
    """List the uploads that evaluations, and the weights that they use, were made of."""
    digests = {one.submission.blob_sha256 for one in evaluations}
    weights = [one.submission.weights for one in evaluations]
    digests |= {one.blob_sha256 for one in weights if one is not None}
    return session.scalars(select(Blob).where(Blob.sha256.in_(digests))).all()


def evaluations_to_score(session: Session, cluster: str) -> Sequence[Evaluation]:
    """List evaluations on a cluster whose predictions are at rest and that no score job was opened for, oldest first."""
    is_opened = exists().where(Job.evaluation_id == Evaluation.id, Job.kind == JobKind.SCORE)
    here = select(Task.id).where(Task.cluster == cluster)
    return session.scalars(
        select(Evaluation)
        .where(
            Evaluation.state == EvaluationState.SCORING, Evaluation.task_id.in_(here), ~is_opened
        )
        .options(
            joinedload(Evaluation.task),
            joinedload(Evaluation.cancellation),
            joinedload(Evaluation.submission).joinedload(Submission.phase),
        )
        .order_by(Evaluation.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Evaluation)
    ).all()


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


def cancelled_in(session: Session, cluster: str, states: Sequence[AttemptState]) -> list[str]:
    """List tokens in any of the states whose evaluation somebody wants to end, oldest first."""
    return list(
        session.scalars(
            select(Attempt.token)
            .join(Job)
            .join(Cancellation, Cancellation.evaluation_id == Job.evaluation_id)
            .where(Job.cluster == cluster, Attempt.state.in_(states))
            .order_by(Attempt.token)
        )
    )


def evaluations_of_phase_submission(session: Session, submission_id: str) -> Sequence[Evaluation]:
    """List the newest evaluation of a submission on each task, with results."""
    rows = session.scalars(
        select(Evaluation)
        .where(Evaluation.submission_id == submission_id, NOT_A_RERUN)
        .options(selectinload(Evaluation.result))
        .order_by(Evaluation.task_id, Evaluation.number)
    )
    return list({row.task_id: row for row in rows}.values())


def tasks_of_phase(session: Session, phase_id: str) -> set[str]:
    """List the ids of the tasks that a submission to the phase is evaluated on."""
    return set(session.scalars(select(PhaseTask.task_id).where(PhaseTask.phase_id == phase_id)))
