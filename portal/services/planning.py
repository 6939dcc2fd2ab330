"""Planning: which job an image or an evaluation needs next. Writes rows, touches no cluster."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import work
from portal.db.tables import Blob, Evaluation, Image, Weights
from portal.domain.failures import FailureReason
from portal.domain.jobs import JobKind
from portal.domain.profiles import Profile, Resources
from portal.domain.states import EvaluationState, ImageState
from portal.services import attempts, images, leases, progress, snapshots
from portal.services.room import Room
from portal.services.snapshots import Measured
from portal.services.turns import first_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How many jobs a planning step opened."""

    builds: int
    measurements: int
    runs: int


def plan(
    session: Session, *, resources: Resources, cluster: str, probe_image_id: str, now: datetime
) -> Planned:
    """Open a job for everything that can go on on a cluster, within the limits of phases and profiles.

    Some limits hold for all clusters together, so that they are planned for one after the other.
    """
    leases.wait_for_turn(session, name="planning", now=now)
    build = resources.profiles[resources.build_profiles[cluster]]
    return Planned(
        builds=_plan_images(session, build, now=now),
        measurements=snapshots.plan(session, resources=resources, cluster=cluster, now=now),
        runs=_plan_evaluations(session, resources, cluster, probe_image_id, now=now),
    )


def _plan_images(session: Session, profile: Profile, *, now: datetime) -> int:
    opened = 0
    for image in work.images_waiting(session, profile.cluster):
        if not _base_is_ready(session, image, now=now):
            continue
        attempts.open_job(session, kind=JobKind.BUILD, profile=profile, image_id=image.id, now=now)
        images.move_image(image, ImageState.BUILDING, now=now)
        opened += 1
    return opened


def _base_is_ready(session: Session, image: Image, *, now: datetime) -> bool:
    if image.base_image_id is None:
        return True
    base = session.get_one(Image, image.base_image_id)
    if base.state is ImageState.FAILED:
        images.move_image(image, ImageState.FAILED, now=now)
        image.reason = FailureReason.PREPARATION
        image.detail = f"the base image {base.id} could not be built: {base.detail}"
    return base.state is ImageState.READY


def _plan_evaluations(
    session: Session, resources: Resources, cluster: str, probe_image_id: str, *, now: datetime
) -> int:
    probe_ready = session.get_one(Image, probe_image_id).state is ImageState.READY
    ready = [
        evaluation
        for evaluation in work.evaluations_waiting(session, cluster)
        if _image_is_ready(session, evaluation, now=now) and probe_ready
    ]
    measured = Measured(session, resources, cluster)
    room = Room(session, resources)
    opened = 0
    for evaluation in room.in_turn([one for one in ready if measured.has_all_of(one)]):
        task = evaluation.task
        kind, profile_name = first_job(
            evaluation.submission, (task.predict_profile, task.score_profile)
        )
        profile = resources.profiles[profile_name]
        if not room.take(evaluation, profile):
            continue
        attempts.open_job(session, kind=kind, profile=profile, evaluation_id=evaluation.id, now=now)
        to = EvaluationState.SCORING if kind is JobKind.SCORE else EvaluationState.QUEUED
        progress.move(session, evaluation, to, now=now)
        opened += 1
    return opened


def _image_is_ready(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether all images that the evaluation runs in are there; fails it if one cannot be."""
    if _is_deleted(session, evaluation, now=now):
        return False
    scorer = session.get_one(Image, evaluation.task.scorer_image_id)
    image = session.get_one(Image, evaluation.image_id) if evaluation.image_id else scorer
    if image.state is ImageState.FAILED:
        reason = FailureReason(image.reason or FailureReason.BUILD_FAILED)
        if image is scorer:
            reason = FailureReason.SCORER_FAILED
        progress.fail(
            session, evaluation, reason, now=now, sentence=image.sentence, detail=image.detail
        )
        return False
    if image is not scorer and image.state is not ImageState.READY:
        progress.move(session, evaluation, EvaluationState.BUILDING, now=now)
    return image.state is ImageState.READY and scorer.state is ImageState.READY


def _is_deleted(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether what would run was deleted for good, which fails the evaluation.

    An image whose upload is still there is built again instead.
    """
    submission = evaluation.submission
    image = session.get(Image, evaluation.image_id) if evaluation.image_id else None
    needed = []
    if image is None or image.deleted_at is not None:
        needed.append(("upload", session.get_one(Blob, submission.blob_sha256)))
    if submission.weights_id is not None:
        weights = session.get_one(Weights, submission.weights_id)
        needed.append(("file of weights", session.get_one(Blob, weights.blob_sha256)))
    for what, blob in needed:
        if blob.deleted_at is not None:
            detail = f"the {what} was deleted by policy at {blob.deleted_at:%Y-%m-%d %H:%M} UTC"
            progress.fail(session, evaluation, FailureReason.PREPARATION, now=now, detail=detail)
            return True
    if image is not None and image.deleted_at is not None:
        images.build_again(image, now=now)
    return False
