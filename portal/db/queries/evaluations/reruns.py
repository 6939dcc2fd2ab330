"""Evaluations that repeat another one."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import NOT_A_RERUN, Challenge, Evaluation, Result, Submission
from portal.domain.evaluations.states import EvaluationState

_OVER = (
    EvaluationState.SCORED,
    EvaluationState.FAILED,
    EvaluationState.CANCELLED,
    EvaluationState.HELD,
)


def originals(session: Session, wanted: str) -> Sequence[Evaluation]:
    """Find an evaluation by its id, or those of a submission that repeat no other; rows are locked."""
    of_submission = (Evaluation.submission_id == wanted) & NOT_A_RERUN
    return session.scalars(
        select(Evaluation)
        .where(or_(Evaluation.id == wanted, of_submission))
        .options(joinedload(Evaluation.result))
        .order_by(Evaluation.id)
        .with_for_update(of=Evaluation)
    ).all()


def challenge_of(session: Session, original: Evaluation) -> Challenge:
    """Return the challenge that an evaluation is of."""
    return session.scalars(
        select(Challenge)
        .join(Submission, Submission.challenge_id == Challenge.id)
        .where(Submission.id == original.submission_id)
    ).one()


def under_way(session: Session, evaluation_id: str) -> Evaluation | None:
    """Find the rerun of an evaluation that has not ended."""
    return session.scalar(
        select(Evaluation)
        .where(Evaluation.rerun_of == evaluation_id, Evaluation.state.not_in(_OVER))
        .limit(1)
    )


def last_number(session: Session, original: Evaluation) -> int:
    """Return the highest number among the evaluations of the same submission on the same task."""
    return (
        session.scalar(
            select(func.max(Evaluation.number)).where(
                Evaluation.submission_id == original.submission_id,
                Evaluation.task_id == original.task_id,
            )
        )
        or 0
    )


def find(session: Session, rerun_id: str) -> Evaluation | None:
    """Find a rerun with its result."""
    return session.scalar(
        select(Evaluation)
        .where(Evaluation.id == rerun_id, Evaluation.rerun_of.is_not(None))
        .options(joinedload(Evaluation.result))
    )


def of_submission(session: Session, submission_id: str) -> Sequence[Evaluation]:
    """List the reruns of a submission with their results, oldest first."""
    return session.scalars(
        select(Evaluation)
        .where(Evaluation.submission_id == submission_id, Evaluation.rerun_of.is_not(None))
        .options(joinedload(Evaluation.result))
        .order_by(Evaluation.id)
    ).all()


def result_of(session: Session, evaluation_id: str) -> Result:
    """Return the result of an evaluation that has one."""
    return session.get_one(Result, evaluation_id)
