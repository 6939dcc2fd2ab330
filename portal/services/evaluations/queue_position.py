"""When it is an evaluation's turn: what it waits for here, and its position in the cluster's queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.evaluations import shares as queries
from portal.db.tables import Attempt, Evaluation, Image, Job, Submission, Task
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.neighbours import Neighbours
from portal.domain.evaluations.shares import MESSAGES, BlockingLimit
from portal.domain.evaluations.slurm_states import in_words
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.domain.submissions.limits import SubmissionKind
from portal.services.evaluations import file_pieces
from portal.services.evaluations.capacity import Capacity
from portal.services.evaluations.neighbours import wish_for_run


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What the cluster last said of a job that it has."""

    confirmed_at: datetime | None
    queued_at: datetime | None
    expected_at: datetime | None
    """When Slurm expects it to start, where it says so."""
    position: int | None
    """1-based position among the portal's queued jobs of this profile."""
    why: str
    tries: int
    gone_through: int | None = None
    """Bytes of its files that were gone through before it is sent, while that goes on."""


def first_job(submission: Submission, task: Task, resources: Resources) -> tuple[JobKind, Profile]:
    """Return the first job of an evaluation and its profile; results are scored as they are.

    Raises ``KeyError`` for a profile that the site no longer has.
    """
    if submission.kind is SubmissionKind.RESULTS:
        return JobKind.SCORE, resources.profiles[task.score_profile]
    name = task.predict_profile
    if submission.is_smoke:
        name = resources.sample_profile(name)
    return JobKind.PREDICT, resources.profiles[name]


def why_it_waits(session: Session, evaluation: Evaluation, resources: Resources) -> str:
    """Return which limit a waiting evaluation waits for, in a sentence; nothing where there is none."""
    if not _waits_here(session, evaluation):
        return ""
    try:
        kind, profile = first_job(evaluation.submission, evaluation.task, resources)
    except KeyError:
        return ""
    if session.get_one(Image, evaluation.task.scorer_image_id).state is ImageState.FAILED:
        return MESSAGES[BlockingLimit.SCORER]
    capacity = Capacity(session, resources)
    limit = capacity.blocking_limit(evaluation, profile)
    if limit is None and _has_others_beside(session, evaluation, kind, profile, capacity):
        limit = BlockingLimit.NEIGHBOURS
    return MESSAGES[limit] if limit else ""


def _has_others_beside(
    session: Session,
    evaluation: Evaluation,
    kind: JobKind,
    profile: Profile,
    capacity: Capacity,
) -> bool:
    """Whether it waits for what lives on its nodes to end, or for those that such runs wait for before it."""
    wish = wish_for_run(evaluation, kind, profile)
    live = capacity.living()
    if not Neighbours(live).is_free_for(wish):
        return True
    return wish.group in live and queries.waits_before(session, evaluation)


def _waits_here(session: Session, evaluation: Evaluation) -> bool:
    """Whether nothing but a limit keeps it: it is not to be built first, or it is built."""
    if evaluation.state is not EvaluationState.BUILDING:
        return evaluation.state is EvaluationState.WAITING
    image = session.get(Image, evaluation.image_id) if evaluation.image_id else None
    return image is not None and image.state is ImageState.READY


def queue_position(session: Session, job: Job, attempt: Attempt) -> int | None:
    """Return the 1-based position of an attempt among the portal's queued jobs of its profile.

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
        size = _ahead(session, evaluation)
        return _here(why, size) if why or size is not None else None
    attempt = live[-1].attempts[-1]
    waits = attempt.started_at is None
    return QueueFacts(
        confirmed_at=attempt.confirmed_at,
        queued_at=attempt.queued_at if waits else None,
        expected_at=attempt.expected_at if waits else None,
        position=queue_position(session, live[-1], attempt),
        why=in_words(attempt.raw_state, attempt.raw_reason),
        tries=attempt.number,
        gone_through=_gone_through(session, attempt),
    )


def _gone_through(session: Session, attempt: Attempt) -> int | None:
    if attempt.state is not AttemptState.CREATED:
        return None
    return file_pieces.gone_through(session, attempt.token, Part.PREPARE)


def _ahead(session: Session, evaluation: Evaluation) -> int | None:
    if evaluation.state is not EvaluationState.WAITING or evaluation.image_id is None:
        return None
    return file_pieces.gone_through(session, evaluation.image_id, Part.AHEAD)


def _here(why: str, size: int | None) -> QueueFacts:
    """Return the facts of what waits in the portal: the cluster knows nothing of it yet."""
    return QueueFacts(
        confirmed_at=None,
        queued_at=None,
        expected_at=None,
        position=None,
        why=why,
        tries=0,
        gone_through=size,
    )
