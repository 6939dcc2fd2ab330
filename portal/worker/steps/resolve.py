"""Resolving: attempts of which nobody knows whether the cluster has them."""

from datetime import datetime
from pathlib import Path

import structlog

from containers.interface import LOG_LIMIT
from containers.rundir import RunFileError, RunRecord, has_started, read_run, take_claim
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import AttemptState
from portal.domain.evaluations.verdicts import reason_without_tries
from portal.domain.evaluations.work import JobFacts
from portal.services.attention.troubles import Step
from portal.services.evaluations import attempts, results
from portal.worker.boundary import job_of, tokens_in
from portal.worker.context import WorkerContext
from portal.worker.job_reports import apply_job_reports
from portal.worker.poll_result import PollResult
from portal.worker.prepare.run_directory import NOT_FETCHED
from portal.worker.set_aside import each
from scheduler.errors import UnreachableError
from scheduler.files import FetchLimits
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")

_MARKS = FetchLimits(
    bytes=4 * LOG_LIMIT,
    entries=100,
    leave=NOT_FETCHED | {"output"},
)
"""What is looked at of a run directory to see whether its script has ended."""

UNCLEAR = (AttemptState.SUBMITTING, AttemptState.INDETERMINATE)


def resolve_unclear(context: WorkerContext) -> PollResult:
    """Look every unclear attempt up by its token, until one lookup is not answered.

    An attempt that is still ``submitting`` when a pass begins was left by a worker that died
    between the mark and the answer.
    """
    with context.database.reading() as session:
        tokens = tokens_in(context, session, UNCLEAR)
    asked = settled = 0
    for is_settled in each(context, Step.RESOLVE, tokens, lambda token: _resolve(context, token)):
        asked += 1
        if is_settled is None:
            # What comes after it would hardly be answered either.
            return PollResult(queried=asked, complete=False, changed=settled > 0)
        settled += is_settled
    return PollResult(queried=asked, changed=settled > 0)


def _resolve(context: WorkerContext, token: Token) -> bool | None:
    """Return whether the attempt is clear now; None where the cluster did not answer."""
    with context.database.writing() as session:
        attempt = attempts.lock_attempt(session, token)
        if attempt.state is AttemptState.SUBMITTING:
            attempts.unclear(session, token, "the worker ended while it was being submitted")
    answer = context.cluster.scheduler.find(token)
    found = answer.jobs.get(token, ())
    if found:
        apply_job_reports(context, found)
        return True
    return _denied(context, token) if answer.complete else None


def _denied(context: WorkerContext, token: Token) -> bool:
    """Count the time of denial; after the grace take the claim, and only then try again."""
    now = context.clock()
    with context.database.writing() as session:
        since = attempts.not_seen(session, token, now=now)
    if now - since < context.cluster.grace:
        return False
    return give_up(context, token, "the cluster does not know the job", since=since)


def give_up(context: WorkerContext, token: Token, detail: str, *, since: datetime) -> bool:
    """Close an attempt that the cluster has denied ``since`` then. True: it is closed.

    Whoever makes the directory ``claim`` owns the attempt. If the portal gets it, the job can never
    do anything, however late it starts, and another attempt is safe. If it is there already the job
    did start: then what it left decides, or its time.
    """
    with context.database.reading() as session:
        job = job_of(context, session, token)
    directory: Path = context.cluster.run_directory(job.id, token)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if not take_claim(directory, context.cluster.files.make_once):
            return _started(context, job, directory, token, detail, since=since)
    except UnreachableError as problem:
        log.warning("decision_not_applied", token=token, problem=str(problem))
        return False
    log.warning("attempt_abandoned", token=token, detail=detail, never_ran=True)
    with context.database.writing() as session:
        results.try_again(
            session, token, detail=detail, lost=True, pauses=context.pauses, now=context.clock()
        )
    return True


def _started(
    context: WorkerContext,
    job: JobFacts,
    directory: Path,
    token: Token,
    detail: str,
    *,
    since: datetime,
) -> bool:
    """Decide about a job that began and that the cluster forgot. Raises ``UnreachableError``.

    What has left its mark has ended. What has not may still run, as a controller that was killed may forget a
    job that its node has: the script ends itself when its time is over, and before that nothing is tried again.
    """
    now = context.clock()
    context.fetch(token, Part.LOOK, directory, _MARKS)
    if (run := _left(directory, token)) is not None:
        log.warning("job_ended_untracked", token=token, detail=detail)
        with context.database.writing() as session:
            attempts.ended_untracked(session, token, succeeded=run.done, detail=detail, now=now)
        return True
    profile = context.resources.profiles.get(job.profile)
    limit = context.resources.upload_limit
    if profile is not None and now - since < profile.requested_time(limit):
        return False
    log.warning("attempt_abandoned", token=token, detail=detail, never_ran=False)
    with context.database.writing() as session:
        if profile is None:
            # Nobody knows how long it may run.
            results.lost(session, token, detail=f"{detail}, but it started", now=now)
        else:
            detail = f"{detail}; it started, and its time is over"
            reason = reason_without_tries(job.kind, started=has_started(directory))
            results.try_again(
                session,
                token,
                detail=detail,
                reason=reason,
                lost=True,
                pauses=context.pauses,
                now=now,
            )
    return True


def _left(directory: Path, token: str) -> RunRecord | None:
    """Return what an ended script left; None while there is no sign of its end."""
    try:
        run = read_run(directory, token)
    except RunFileError as problem:
        log.warning("unexpected_run_directory", token=token, detail=str(problem))
        return None
    return run if run.done or run.reason else None
