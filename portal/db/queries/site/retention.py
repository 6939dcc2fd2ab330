"""What is kept, what may go, and what has gone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Select, exists, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from portal.db.tables import (
    Attempt,
    Blob,
    Challenge,
    Deletion,
    Evaluation,
    Image,
    Job,
    Phase,
    RevisionFile,
    Submission,
    Task,
    Weights,
)
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.domain.retention import ArtifactKind

_OVER = (EvaluationState.SCORED, EvaluationState.FAILED, EvaluationState.CANCELLED)
_CLOSED = (AttemptState.COLLECTED, AttemptState.LOST)


class Ended(NamedTuple):
    """A challenge and the end of its last phase."""

    challenge: Challenge
    at: datetime


class Held(NamedTuple):
    """How much of a kind there still is in a challenge."""

    challenge_id: str
    number: int
    size: int
    """Bytes as far as they are known without looking."""


def ends(session: Session) -> Sequence[Ended]:
    """List all challenges with the ends of their last phases, the earliest first."""
    at = func.max(func.coalesce(Phase.late_until, Phase.ends_at))
    rows = session.execute(
        select(Challenge, at)
        .join(Phase, Phase.challenge_id == Challenge.id)
        .group_by(Challenge.id)
        .order_by(at, Challenge.id)
    )
    return [Ended(*row) for row in rows]


def uploads(session: Session, due: Collection[str], limit: int) -> Sequence[Blob]:
    """List uploads that whatever needs them lets go, because its challenge is one of those ``due``.

    Submissions need them, weights are some, and submissions that are not over need their weights.
    """
    own = select(Submission.id).where(Submission.blob_sha256 == Blob.sha256)
    as_weights = select(Weights.id).where(Weights.blob_sha256 == Blob.sha256)
    needs = or_(
        Submission.blob_sha256 == Blob.sha256, Submission.weights_id.in_(as_weights.correlate(Blob))
    )
    unfinished = (
        select(Evaluation.id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(Evaluation.state.not_in(_OVER), needs)
    )
    return session.scalars(
        select(Blob)
        .where(
            Blob.deleted_at.is_(None),
            or_(own.exists(), as_weights.exists()),
            ~own.where(Submission.challenge_id.not_in(due)).exists(),
            ~as_weights.where(Weights.challenge_id.not_in(due)).exists(),
            ~unfinished.exists(),
            Blob.sha256.not_in(_sources_of_challenges()),
        )
        .order_by(Blob.created_at, Blob.sha256)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def images(session: Session, due: Collection[str], cluster: str, limit: int) -> Sequence[Image]:
    """List images of a cluster that every evaluation lets go; scorers and bases stay with their challenge."""
    own = select(Evaluation.id).join(Submission).where(Evaluation.image_id == Image.id)
    needed = or_(Evaluation.state.not_in(_OVER), Submission.challenge_id.not_in(due))
    return session.scalars(
        select(Image)
        .where(
            Image.state == ImageState.READY,
            Image.cluster == cluster,
            Image.deleted_at.is_(None),
            own.exists(),
            ~own.where(needed).exists(),
            Image.id.not_in(_images_of_challenges()),
        )
        .order_by(Image.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def runs(
    session: Session, kind: ArtifactKind, due: Collection[str], cluster: str, limit: int
) -> Sequence[tuple[Attempt, str]]:
    """List attempts of a cluster of which something of this kind is left, with their challenges."""
    gone = exists().where(Deletion.kind == kind, Deletion.subject == Attempt.token)
    statement: Select[*tuple[Attempt, str]] = (
        select(Attempt, Submission.challenge_id)
        .join(Job, Job.id == Attempt.job_id)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(
            Submission.challenge_id.in_(due),
            Evaluation.state.in_(_OVER),
            Attempt.state.in_(_CLOSED),
            Job.cluster == cluster,
            ~gone,
        )
        .order_by(Attempt.token)
        .limit(limit)
    )
    return [(attempt, challenge) for attempt, challenge in session.execute(statement)]


def challenges_of_upload(session: Session, sha256: str) -> set[str]:
    """List the challenges in which a file was submitted, or kept as weights."""
    return set(
        session.scalars(
            union(
                select(Submission.challenge_id).where(Submission.blob_sha256 == sha256),
                select(Weights.challenge_id).where(Weights.blob_sha256 == sha256),
            )
        )
    )


def challenges_of_image(session: Session, image_id: str) -> set[str]:
    """List the challenges in which an image has run."""
    return set(
        session.scalars(
            select(Submission.challenge_id)
            .join(Evaluation, Evaluation.submission_id == Submission.id)
            .where(Evaluation.image_id == image_id)
        )
    )


def has_twin(session: Session, image: Image) -> bool:
    """Whether another image that is kept has the same file."""
    other = aliased(Image)
    return bool(
        session.scalar(
            select(
                exists().where(
                    other.sif_sha256 == image.sif_sha256,
                    other.cluster == image.cluster,
                    other.id != image.id,
                    other.deleted_at.is_(None),
                )
            )
        )
    )


def known_blobs(session: Session, digests: Collection[str]) -> set[str]:
    """Return those of the digests that the database has a file for."""
    return set(
        session.scalars(
            select(Blob.sha256).where(Blob.sha256.in_(digests), Blob.deleted_at.is_(None))
        )
    )


def builds_of(session: Session, image_id: str, cluster: str) -> Sequence[tuple[str, str]]:
    """List job and token of each attempt on a cluster to build an image."""
    rows = session.execute(
        select(Attempt.job_id, Attempt.token)
        .join(Job, Job.id == Attempt.job_id)
        .where(Job.image_id == image_id, Job.cluster == cluster)
        .order_by(Attempt.token)
    )
    return [(job, token) for job, token in rows]


def open_deletions(session: Session, clusters: Collection[str]) -> Sequence[Deletion]:
    """List what was to be deleted there and is not known to have been, the oldest first."""
    return session.scalars(
        select(Deletion)
        .where(Deletion.done_at.is_(None), Deletion.cluster.in_(clusters))
        .order_by(Deletion.id)
    ).all()


def deletions(
    session: Session, *, challenge_id: str | None, offset: int, size: int
) -> Sequence[tuple[Deletion, int]]:
    """List what was deleted, of one challenge or of all, the newest first, and how much there is."""
    statement = select(Deletion, func.count().over()).where(Deletion.done_at.is_not(None))
    if challenge_id is not None:
        statement = statement.where(Deletion.challenge_id == challenge_id)
    rows = session.execute(
        statement.order_by(Deletion.done_at.desc(), Deletion.id.desc()).offset(offset).limit(size)
    )
    return [(row, total) for row, total in rows]


def held(session: Session, kind: ArtifactKind) -> Sequence[Held]:
    """Count what there is of a kind in each challenge."""
    if kind is ArtifactKind.UPLOAD:
        return _held(
            session,
            *(
                select(table.challenge_id, Blob.sha256.label("id"), Blob.size.label("size"))
                .join(Blob, Blob.sha256 == table.blob_sha256)
                .where(Blob.deleted_at.is_(None))
                for table in (Submission, Weights)
            ),
        )
    if kind is ArtifactKind.IMAGE:
        return _held(
            session,
            select(Submission.challenge_id, Image.id.label("id"), Image.size.label("size"))
            .join(Evaluation, Evaluation.submission_id == Submission.id)
            .join(Image, Image.id == Evaluation.image_id)
            .where(Image.deleted_at.is_(None), Image.state == ImageState.READY),
        )
    gone = exists().where(Deletion.kind == kind, Deletion.subject == Attempt.token)
    return _held(
        session,
        select(Submission.challenge_id, Attempt.token.label("id"), func.abs(0).label("size"))
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(Job, Job.evaluation_id == Evaluation.id)
        .join(Attempt, Attempt.job_id == Job.id)
        .where(Attempt.state.in_(_CLOSED), ~gone),
    )


def _held(session: Session, *statements: Select[*tuple[str, str, Any]]) -> Sequence[Held]:
    each = union(*statements).subquery()
    rows = session.execute(
        select(each.c.challenge_id, func.count(), func.sum(each.c.size)).group_by(
            each.c.challenge_id
        )
    )
    return [Held(challenge, number, int(size or 0)) for challenge, number, size in rows]


def _images_of_challenges() -> CompoundSelect[*tuple[str | None]]:
    """Select the scorers and the bases of all tasks."""
    bases = select(Task.base_image_id).where(Task.base_image_id.is_not(None))
    return union(select(Task.scorer_image_id), bases)


def _sources_of_challenges() -> CompoundSelect[*tuple[str]]:
    """Select the files that scorers and bases were made of, public samples, and all of every revision."""
    return union(
        select(Image.source_sha256).where(Image.id.in_(_images_of_challenges())),
        select(Task.sample_sha256).where(Task.sample_sha256.is_not(None)),
        select(RevisionFile.blob_sha256),
    )
