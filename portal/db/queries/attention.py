"""What needs a person: what was set aside, what failed for no fault of its team, and images of the site."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.tables import (
    Attempt,
    Challenge,
    Decision,
    Evaluation,
    Heartbeat,
    Image,
    Job,
    Submission,
    Task,
    Trouble,
)
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState, ImageState

END = "end"
"""The step under which it stands that an evaluation has ended for no fault of its team."""


class Ended(NamedTuple):
    """Evaluations of one challenge that ended alike."""

    trouble: str
    """The first of them."""
    since: datetime
    number: int
    challenge_id: str
    reason: FailureReason | None


class ImageUse(Enum):
    """What for an image is needed."""

    PROBE = auto()
    SCORER = auto()
    BASE = auto()


class SiteImage(NamedTuple):
    """An image that the site or a challenge needs and that could not be built."""

    image: Image
    challenge_id: str | None
    """Of one of those that need it."""
    use: ImageUse


def set_aside(session: Session, *, at_most: int | None = None) -> Sequence[Trouble]:
    """List what a worker could not go on with, oldest first.

    But evaluations that have ended, and builds whose image has failed: those stand for themselves.
    """
    return session.scalars(
        select(Trouble)
        .outerjoin(Attempt, Attempt.token == Trouble.subject)
        .outerjoin(Job, Job.id == Attempt.job_id)
        .outerjoin(Image, Image.id == Job.image_id)
        .where(
            Trouble.next_at.is_(None),
            Trouble.step != END,
            func.coalesce(Image.state, ImageState.WAITING) != ImageState.FAILED,
        )
        .order_by(Trouble.first_at, Trouble.id)
        .limit(at_most)
    ).all()


def held(session: Session, *, at_most: int | None = None) -> Sequence[Evaluation]:
    """List the evaluations that wait for a person, oldest first."""
    return session.scalars(
        select(Evaluation)
        .where(Evaluation.state == EvaluationState.HELD)
        .order_by(Evaluation.updated_at, Evaluation.id)
        .limit(at_most)
    ).all()


def ended(session: Session, *, at_most: int | None = None) -> Sequence[Ended]:
    """List what failed for no fault of its team, those that ended alike in one challenge together."""
    rows = session.execute(
        select(
            func.min(Trouble.id),
            func.min(Trouble.first_at),
            func.count(),
            Submission.challenge_id,
            Evaluation.reason,
        )
        .select_from(Trouble)
        .join(Evaluation, Evaluation.id == Trouble.subject)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(_HAS_ENDED)
        .group_by(Submission.challenge_id, Evaluation.reason)
        .order_by(func.min(Trouble.first_at))
        .limit(at_most)
    )
    return [Ended(*row) for row in rows]


def alike(session: Session, subject: str) -> Sequence[str]:
    """Return all evaluations that ended for the same reason in the same challenge; none for other subjects."""
    same, its = aliased(Evaluation), aliased(Submission)
    return session.scalars(
        select(Trouble.subject)
        .join(Evaluation, Evaluation.id == Trouble.subject)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(same, same.id == subject)
        .join(its, its.id == same.submission_id)
        .where(
            _HAS_ENDED,
            Evaluation.reason == same.reason,
            Submission.challenge_id == its.challenge_id,
        )
        .order_by(Trouble.id)
    ).all()


_HAS_ENDED: ColumnElement[bool] = and_(
    Trouble.step == END,
    Trouble.next_at.is_(None),
    Evaluation.state == EvaluationState.FAILED,
)


def troubles(session: Session, ids: Sequence[str]) -> dict[str, Trouble]:
    """Return rows by their ids."""
    rows = session.scalars(select(Trouble).where(Trouble.id.in_(ids)))
    return {row.id: row for row in rows}


def evaluations_by_subject(session: Session, subjects: Sequence[str]) -> dict[str, Evaluation]:
    """Return the evaluations that rows of troubles are about, or that their attempts are for."""
    rows = session.execute(
        select(Evaluation, Attempt.token)
        .outerjoin(Job, Job.evaluation_id == Evaluation.id)
        .outerjoin(Attempt, Attempt.job_id == Job.id)
        .where(Evaluation.id.in_(subjects) | Attempt.token.in_(subjects))
    ).all()
    found = {evaluation.id: evaluation for evaluation, _ in rows}
    found |= {token: evaluation for evaluation, token in rows if token is not None}
    return {subject: found[subject] for subject in subjects if subject in found}


def challenges_of(session: Session, evaluations: Sequence[str]) -> dict[str, str]:
    """Return the challenge of each evaluation."""
    rows = session.execute(
        select(Evaluation.id, Submission.challenge_id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(Evaluation.id.in_(evaluations))
    )
    return {row.id: row.challenge_id for row in rows}


def challenges(session: Session, ids: Sequence[str]) -> dict[str, Challenge]:
    """Return challenges by their ids."""
    rows = session.scalars(select(Challenge).where(Challenge.id.in_(ids)))
    return {row.id: row for row in rows}


def failed_images(session: Session) -> Sequence[SiteImage]:
    """List images that could not be built, of those that the site or its challenges need, the longest failed first."""
    probes = select(Heartbeat.probe_image_id)
    rows = session.execute(
        select(Image, Task.challenge_id, Task.scorer_image_id == Image.id)
        .outerjoin(Task, or_(Task.scorer_image_id == Image.id, Task.base_image_id == Image.id))
        .where(
            Image.state == ImageState.FAILED,
            or_(Task.id.is_not(None), Image.id.in_(probes)),
        )
        .order_by(Image.updated_at, Image.id)
    )
    found: dict[str, SiteImage] = {}
    for image, challenge_id, is_scorer in rows:
        use = ImageUse.BASE if challenge_id else ImageUse.PROBE
        use = ImageUse.SCORER if is_scorer else use
        found.setdefault(image.id, SiteImage(image, challenge_id, use))
    return list(found.values())


def decided(session: Session) -> Sequence[Decision]:
    """List what was decided and not done yet, oldest first."""
    return session.scalars(select(Decision).order_by(Decision.id)).all()
