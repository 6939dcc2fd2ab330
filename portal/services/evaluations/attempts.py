"""Jobs and attempts: every step that is written down about them.

The order is the protocol: an attempt is committed before the cluster hears its token, marked as
being submitted before the command runs, and only then given an answer.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from containers.interface import EXIT_CODES, StopReason
from portal.db.queries.evaluations import attempts as queries
from portal.db.tables import Attempt, Base, Evaluation, Job
from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations import jobs
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import (
    ATTEMPT_TRANSITIONS,
    AttemptState,
    EvaluationState,
    check_transition,
)
from portal.domain.ids import new_id, new_token
from portal.services.evaluations import transitions
from scheduler.interface import JobRef, JobReport, Outcome, Phase


def open_job(
    session: Session,
    *,
    kind: JobKind,
    profile: Profile,
    evaluation_id: str | None = None,
    image_id: str | None = None,
    snapshot_id: str | None = None,
    now: datetime,
) -> Job:
    """Add a job and its first attempt to the session: many are written together."""
    job = Job(
        id=new_id(now),
        kind=kind,
        evaluation_id=evaluation_id,
        image_id=image_id,
        snapshot_id=snapshot_id,
        cluster=profile.cluster,
        profile=profile.name,
        created_at=now,
    )
    session.add_all([job, _attempt(job, number=1, now=now)])
    return job


def new_attempt(session: Session, job: Job, *, now: datetime) -> Attempt:
    """Write down another try; the number is unique, so two workers cannot both add it."""
    attempt = _attempt(job, number=attempts_made(session, job.id) + 1, now=now)
    session.add(attempt)
    session.flush()
    return attempt


def _attempt(job: Job, *, number: int, now: datetime) -> Attempt:
    return Attempt(
        token=new_token(now),
        job_id=job.id,
        number=number,
        state=AttemptState.CREATED,
        created_at=now,
    )


def attempts_made(session: Session, job_id: str) -> int:
    """How many attempts a job has."""
    return (
        session.scalar(select(func.count()).select_from(Attempt).where(Attempt.job_id == job_id))
        or 0
    )


def of_job(session: Session, job_id: str) -> Sequence[Attempt]:
    """List the attempts at a job, oldest first."""
    return session.scalars(
        select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number)
    ).all()


def lock_attempt(session: Session, token: str) -> Attempt:
    """Read an attempt for changing it."""
    return session.get_one(Attempt, token, with_for_update=True)


def lock_all(session: Session, tokens: Sequence[str]) -> list[Base]:
    """Read many attempts, and what they are for, for changing them; as long as they are held nothing reads them again."""
    return queries.locked(session, tokens)


def step(attempt: Attempt, to: AttemptState) -> None:
    """Take an allowed step; being there already changes nothing."""
    if attempt.state is not to:
        attempt.state = check_transition(ATTEMPT_TRANSITIONS, attempt.state, to)


def due_at(session: Session, token: str, pauses: Sequence[timedelta]) -> datetime:
    """Return when an attempt may be sent."""
    attempt = session.get_one(Attempt, token)
    return jobs.due_at(attempt.number, attempt.created_at, pauses)


def start_submitting(session: Session, token: str, *, now: datetime) -> bool:
    """Mark that the command is about to run. False: somebody else has done so."""
    attempt = lock_attempt(session, token)
    if attempt.state is not AttemptState.CREATED:
        return False
    step(attempt, AttemptState.SUBMITTING)
    attempt.submitted_at = now
    return True


def accepted(session: Session, token: str, ref: JobRef, *, now: datetime) -> None:
    """Record that the cluster has the job; an attempt that was given up meanwhile stays so."""
    attempt = lock_attempt(session, token)
    if attempt.state is not AttemptState.SUBMITTING:
        return
    step(attempt, AttemptState.QUEUED)
    attempt.cluster_job_id = ref.job_id
    attempt.slurm_cluster = ref.cluster
    attempt.queued_at = attempt.confirmed_at = now


def unclear(session: Session, token: str, message: str) -> None:
    """Record that nobody knows whether the cluster has the job."""
    attempt = lock_attempt(session, token)
    if attempt.state is not AttemptState.SUBMITTING:
        return
    step(attempt, AttemptState.INDETERMINATE)
    attempt.problem = message


def no_room(session: Session, token: str, message: str) -> None:
    """Record that the cluster's queue is full: it took nothing, and the attempt waits its turn."""
    attempt = lock_attempt(session, token)
    if attempt.state is not AttemptState.SUBMITTING:
        return
    step(attempt, AttemptState.CREATED)
    attempt.submitted_at = None
    attempt.problem = message


def not_seen(session: Session, token: str, *, now: datetime) -> datetime:
    """Record that a complete answer did not have the job; return since when that has been so."""
    attempt = lock_attempt(session, token)
    if attempt.absent_since is None:
        attempt.absent_since = now
    return attempt.absent_since


def not_seen_all(session: Session, tokens: Sequence[str], *, now: datetime) -> dict[str, datetime]:
    """Do so for many attempts; it takes two statements."""
    found: dict[str, datetime] = {}
    for part in _parts(tokens):
        queries.not_seen(session, part, now=now)
        found |= queries.absent_since(session, part)
    return found


def decisive(reports: Sequence[JobReport]) -> JobReport:
    """Return the report that speaks for an attempt of which the cluster may have several jobs.

    A job that has not ended comes first. Of ended ones the job that found the claim taken did
    nothing, so the other one is the attempt.
    """
    lost_the_claim = EXIT_CODES[StopReason.CLAIMED]
    return min(
        reports,
        key=lambda report: (
            report.phase is Phase.ENDED,
            report.outcome is Outcome.FAILED and report.exit_code == lost_the_claim,
        ),
    )


_STATES = {
    Phase.PENDING: AttemptState.QUEUED,
    Phase.HELD: AttemptState.QUEUED,
    Phase.RUNNING: AttemptState.RUNNING,
    Phase.FINISHING: AttemptState.FINISHING,
    Phase.ENDED: AttemptState.ENDED,
}


def reported(
    session: Session, report: JobReport, *, is_locked: bool = False, now: datetime
) -> bool:
    """Take over what the cluster said of an attempt; an unknown word changes no state. ``is_locked``: by ``lock_all``.

    Returns whether Slurm's words are others than the last time.
    """
    lock = None if is_locked else True
    attempt = session.get_one(Attempt, report.token, with_for_update=lock)
    if attempt.state not in _WATCHED:
        return False
    # A reason may go on with the names of many nodes; PostgreSQL takes no text that is too long.
    words = (report.raw_state[:_MAX_STATE_CHARS], report.raw_reason[:_MAX_REASON_CHARS])
    is_news = words != (attempt.raw_state, attempt.raw_reason)
    attempt.confirmed_at = now
    attempt.absent_since = None
    attempt.cluster_job_id = report.ref.job_id
    attempt.slurm_cluster = report.ref.cluster or attempt.slurm_cluster
    attempt.raw_state, attempt.raw_reason = words
    attempt.nodes = report.nodes[:_MAX_NODES_CHARS]
    attempt.expected_at = report.expected_at
    attempt.started_at = report.started_at or attempt.started_at
    to = _STATES.get(report.phase)
    if to is None:
        return is_news
    step(attempt, to)
    if report.phase is Phase.ENDED:
        attempt.ended_at = report.ended_at or now
        attempt.outcome = report.outcome
        attempt.exit_code = report.exit_code
    _tell_evaluation(session, attempt, to, lock=lock, now=now)
    return is_news


def ended_untracked(
    session: Session, token: str, *, succeeded: bool, detail: str, now: datetime
) -> None:
    """Record the end of a job that left its mark and that the cluster has forgotten."""
    attempt = lock_attempt(session, token)
    if attempt.state not in _WATCHED:
        return
    step(attempt, AttemptState.ENDED)
    attempt.ended_at = now
    attempt.outcome = Outcome.COMPLETED if succeeded else Outcome.FAILED
    attempt.problem = detail
    _tell_evaluation(session, attempt, AttemptState.ENDED, lock=True, now=now)


def confirm(session: Session, reports: Sequence[JobReport], *, now: datetime) -> list[JobReport]:
    """Record that the cluster said of these attempts what it had said before; return the other reports.

    Most jobs are as they were: for those it takes two statements, however many they are.
    """
    known: dict[str, queries.Words] = {}
    for part in _parts([str(report.token) for report in reports]):
        known |= queries.words_of(session, part)
    same = [str(one.token) for one in reports if known.get(str(one.token)) == _words_of(one)]
    for part in _parts(same):
        queries.confirm(session, part, now=now)
    unchanged = set(same)
    return [report for report in reports if report.token not in unchanged]


def _parts(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(tokens), _AT_ONCE):
        yield tokens[begin : begin + _AT_ONCE]


def _words_of(report: JobReport) -> queries.Words:
    """Return what a row holds of a report, in the order of ``queries.words_of``."""
    state = _STATES.get(report.phase)
    return (
        None if state is AttemptState.ENDED else state,
        report.raw_state[:_MAX_STATE_CHARS],
        report.raw_reason[:_MAX_REASON_CHARS],
        report.nodes[:_MAX_NODES_CHARS],
        report.ref.job_id,
        report.expected_at,
        report.started_at,
    )


_AT_ONCE = 5000
"""Tokens in one statement: SQLite takes 32,766 values."""

_MAX_STATE_CHARS, _MAX_REASON_CHARS, _MAX_NODES_CHARS = 120, 200, 200
"""Lengths of the columns, in characters."""

_WATCHED = frozenset(
    {
        AttemptState.INDETERMINATE,
        AttemptState.QUEUED,
        AttemptState.RUNNING,
        AttemptState.FINISHING,
    }
)


def _tell_evaluation(
    session: Session, attempt: Attempt, to: AttemptState, *, lock: bool | None, now: datetime
) -> None:
    """Move the evaluation along with its predict job; a score job shows as scoring throughout."""
    job = session.get_one(Job, attempt.job_id)
    if job.kind is not JobKind.PREDICT or job.evaluation_id is None:
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=lock)
    if to is AttemptState.RUNNING and evaluation.state is EvaluationState.QUEUED:
        transitions.move(session, evaluation, EvaluationState.RUNNING, now=now)
    if to is AttemptState.QUEUED:
        message = "The cluster put the job back into its queue."
        transitions.back_to_queue(session, evaluation, message=message, now=now)
