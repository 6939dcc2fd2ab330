"""When it is an evaluation's turn: what it waits for here, and its place in the cluster's queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import shares as queries
from portal.db.tables import Attempt, Evaluation, Image, Job, Submission
from portal.domain.jobs import JobKind
from portal.domain.profiles import Resources
from portal.domain.shares import SENTENCES
from portal.domain.slurm_states import in_words
from portal.domain.states import AttemptState, EvaluationState, ImageState
from portal.domain.submissions import SubmissionKind
from portal.services.room import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What the cluster last said of a job that it has."""

    confirmed_at: datetime | None
    queued_at: datetime | None
    expected_at: datetime | None
    """When Slurm expects it to start, where it says so."""
    place: int | None
    """How manieth of the portal's own jobs of its kind it is."""
    why: str
    tries: int


def first_job(submission: Submission, task_profiles: tuple[str, str]) -> tuple[JobKind, str]:
    """Return the first job of an evaluation and its profile; results are scored as they are.

    ``task_profiles`` are those of the task for predicting and for scoring.
    """
    predict, score = task_profiles
    if submission.kind is SubmissionKind.RESULTS:
        return JobKind.SCORE, score
    return JobKind.PREDICT, predict


def why_it_waits(session: Session, evaluation: Evaluation, resources: Resources) -> str:
    """Return which limit a waiting evaluation waits for, in a sentence; nothing where there is none."""
    if not _waits_here(session, evaluation):
        return ""
    task = evaluation.task
    _, name = first_job(evaluation.submission, (task.predict_profile, task.score_profile))
    profile = resources.profiles.get(name)
    if profile is None:
        return ""
    hindrance = Room(session, resources).hindrance(evaluation, profile)
    return SENTENCES[hindrance] if hindrance else ""


def _waits_here(session: Session, evaluation: Evaluation) -> bool:
    """Whether nothing but a limit keeps it: it is not to be built first, or it is built."""
    if evaluation.state is not EvaluationState.BUILDING:
        return evaluation.state is EvaluationState.WAITING
    image = session.get(Image, evaluation.image_id) if evaluation.image_id else None
    return image is not None and image.state is ImageState.READY


def place_in_queue(session: Session, job: Job, attempt: Attempt) -> int | None:
    """Return how manieth of the portal's jobs of the same profile an attempt is in the queue.

    Slurm decides the order, and by more than the time; None for a job that does not wait there.
    """
    if attempt.state is not AttemptState.QUEUED or attempt.queued_at is None:
        return None
    return 1 + queries.queued_before(session, profile=job.profile, attempt=attempt)


def queue_facts(
    session: Session, evaluation: Evaluation, jobs: Sequence[Job], resources: Resources
) -> QueueFacts | None:
    """Return what an evaluation waits for; ``jobs`` are all that it may have caused, oldest first.

    None where nothing is waited for, or nothing is known of it.
    """
    mine = {evaluation.id, evaluation.image_id} - {None}
    live = [
        job
        for job in jobs
        if job.is_open and job.attempts and {job.evaluation_id, job.image_id} & mine
    ]
    if evaluation.state.is_final:
        return None
    if not live:
        why = why_it_waits(session, evaluation, resources)
        return _here(why) if why else None
    attempt = live[-1].attempts[-1]
    waits = attempt.started_at is None
    return QueueFacts(
        confirmed_at=attempt.confirmed_at,
        queued_at=attempt.queued_at if waits else None,
        expected_at=attempt.expected_at if waits else None,
        place=place_in_queue(session, live[-1], attempt),
        why=in_words(attempt.raw_state, attempt.raw_reason),
        tries=attempt.number,
    )


def _here(why: str) -> QueueFacts:
    """Return the facts of what waits in the portal: the cluster knows nothing of it yet."""
    return QueueFacts(
        confirmed_at=None, queued_at=None, expected_at=None, place=None, why=why, tries=0
    )
