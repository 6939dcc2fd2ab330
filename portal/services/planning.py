"""Planning: which job an image or an evaluation needs next. Writes rows, touches no cluster."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import work
from portal.db.tables import Evaluation, Image
from portal.domain.failures import FailureReason
from portal.domain.jobs import JobKind
from portal.domain.profiles import Profile, Resources
from portal.domain.states import EvaluationState, ImageState
from portal.domain.submissions import SubmissionKind
from portal.services import attempts, images, progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How many jobs a planning step opened."""

    builds: int
    runs: int


def plan(session: Session, *, resources: Resources, probe_image_id: str, now: datetime) -> Planned:
    """Open a job for everything that can go on, within the limits of phases and profiles."""
    return Planned(
        builds=_plan_images(session, resources.profiles[resources.build_profile], now=now),
        runs=_plan_evaluations(session, resources, probe_image_id, now=now),
    )


def _plan_images(session: Session, profile: Profile, *, now: datetime) -> int:
    opened = 0
    for image in work.images_waiting(session):
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
    session: Session, resources: Resources, probe_image_id: str, *, now: datetime
) -> int:
    probe_ready = session.get_one(Image, probe_image_id).state is ImageState.READY
    opened = 0
    for evaluation in work.evaluations_waiting(session):
        if not _image_is_ready(session, evaluation, now=now) or not probe_ready:
            continue
        kind, profile_name = _first_job(evaluation)
        profile = resources.profiles[profile_name]
        if not _has_room(session, evaluation, profile):
            continue
        attempts.open_job(session, kind=kind, profile=profile, evaluation_id=evaluation.id, now=now)
        to = EvaluationState.SCORING if kind is JobKind.SCORE else EvaluationState.QUEUED
        progress.move(session, evaluation, to, now=now)
        opened += 1
    return opened


def _image_is_ready(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether all images that the evaluation runs in are there; fails it if one cannot be."""
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


def _first_job(evaluation: Evaluation) -> tuple[JobKind, str]:
    """Results are scored as they are; everything else predicts first."""
    if evaluation.submission.kind is SubmissionKind.RESULTS:
        return JobKind.SCORE, evaluation.task.score_profile
    return JobKind.PREDICT, evaluation.task.predict_profile


def _has_room(session: Session, evaluation: Evaluation, profile: Profile) -> bool:
    phase = evaluation.submission.phase
    if phase.running is not None:
        running = work.running_of_team(
            session, phase_id=phase.id, team_id=evaluation.submission.team_id
        )
        if running >= phase.running:
            return False
    return profile.running is None or (
        work.open_jobs_of_profile(session, profile.name) < profile.running
    )
