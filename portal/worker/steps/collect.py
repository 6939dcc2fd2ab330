"""Collecting: what an ended attempt left is fetched, read and judged; successful attempts are ingested."""

from dataclasses import replace
from pathlib import Path

import structlog

from containers.interface import LOG_LIMIT
from containers.rundir import (
    LEFT_OUT,
    RunFileError,
    RunRecord,
    read_last_words,
    read_log,
    read_run,
    take_claim,
)
from portal.db.tables import Attempt, Evaluation
from portal.domain.errors import UntrustedValueError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import AttemptState
from portal.domain.evaluations.verdicts import (
    Ended,
    Verdict,
    VerdictKind,
    cancelled_by_nobody,
    judge,
    reason_without_tries,
)
from portal.domain.evaluations.work import BuildWork, MeasureWork, RunWork, Work
from portal.domain.submissions.run_logs import MAX_LOG_BYTES, error_of_pip, last_line, tail
from portal.services.attention.troubles import Step
from portal.services.evaluations import results
from portal.services.submissions import cancellation, run_logs
from portal.worker.boundary import tokens_in, work_as_prepared
from portal.worker.context import WorkerContext
from portal.worker.embargo import is_embargoed
from portal.worker.ingest.attempt import as_record, ingest
from portal.worker.ingest.measurement import MANIFEST_BYTES
from portal.worker.prepare.run_directory import NOT_FETCHED, SOURCE
from portal.worker.set_aside import each
from scheduler.errors import UnexpectedAnswerError, UnreachableError
from scheduler.files import FetchLimits
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")


def collect_ended(context: WorkerContext) -> int:
    """Ingest every attempt that has ended; return their number."""
    with context.database.reading() as session:
        tokens = tokens_in(context, session, [AttemptState.ENDED])
    context.file_work.only(tokens, Part.FETCH, Part.TAKE, Part.DROP)
    collected = 0
    try:
        for is_done in each(context, Step.COLLECT, tokens, lambda token: _collect(context, token)):
            collected += is_done
    except UnreachableError as problem:
        # What comes after it would hardly be fetched either.
        log.warning("transfer_failed", problem=str(problem))
    return collected


def _collect(context: WorkerContext, token: Token) -> bool:
    try:
        job = work_as_prepared(context, token)
    except UntrustedValueError as problem:
        return _not_as_sent(context, token, problem)
    is_done = _collect_work(context, job, token)
    if not is_done:
        # More may come: it is fetched again.
        context.file_work.forget(token)
    return is_done


def _collect_work(context: WorkerContext, job: Work, token: Token) -> bool:
    with context.database.reading() as session:
        attempt = session.get_one(Attempt, token)
    directory = context.cluster.run_directory(job.job.id, token)
    context.fetch(token, Part.FETCH, directory, _limits(job))
    try:
        run = read_run(directory, token)
    except RunFileError as problem:
        return _tampered(context, job, token, str(problem))
    ended = _ended(context, attempt, run)
    verdict = judge(ended, job.job.kind)
    if verdict.kind is VerdictKind.CANCELLED and _by_nobody(context, job, token):
        verdict = cancelled_by_nobody(ended, job.job.kind)
    if verdict.kind is VerdictKind.SUCCESS and not _is_sealed(job, run):
        verdict = Verdict(
            kind=VerdictKind.FAILED,
            reason=FailureReason.ISOLATION_UNAVAILABLE,
            detail="the probe's report does not say that the run was sealed",
        )
    if isinstance(job, RunWork) and is_embargoed(context, job, attempt, verdict):
        return False
    if verdict.kind is VerdictKind.WAIT:
        return False
    _keep_and_drop(context, job, token, directory)
    if verdict.kind is VerdictKind.SUCCESS:
        ingest(context, job, attempt, directory, run)
        _tell(job, token, verdict)
    else:
        _tell(job, token, verdict)
        if not isinstance(job, RunWork):
            detail = _with_last_words(verdict.detail, directory)
            verdict = replace(verdict, detail=detail)
            log.warning("portal_job_failed", token=token, reason=verdict.reason, detail=detail)
        if verdict.kind is VerdictKind.TRY_AGAIN:
            _close(context, token, directory)
        message = _message(context, verdict, directory)
        _record_verdict(context, token, verdict, run, message=message)
    return True


def _tell(job: Work, token: Token, verdict: Verdict) -> None:
    log.info(
        "job_judged",
        token=token,
        kind=job.job.kind,
        verdict=verdict.kind,
        reason=verdict.reason,
        detail=verdict.detail or None,
    )


def _with_last_words(detail: str, directory: Path) -> str:
    """Add how a script of the portal's own ended to what staff read; such a job has read no private data."""
    try:
        words = (read_last_words(directory), last_line(read_log(directory, "stderr.log")))
    except RunFileError:
        return detail
    return ": ".join(filter(None, (detail, *words)))


def _not_as_sent(context: WorkerContext, token: Token, problem: UntrustedValueError) -> bool:
    """Fail an attempt whose rows speak of something else than was sent; nothing of its directory is read."""
    log.error("untrusted_value", token=token, problem=str(problem))
    with context.database.writing() as session:
        results.failed(
            session,
            token,
            FailureReason.INFRASTRUCTURE,
            detail=str(problem),
            now=context.clock(),
        )
    return True


def _keep_and_drop(context: WorkerContext, job: Work, token: Token, directory: Path) -> None:
    """Keep a run's logs, and remove the copy that an image was built of: the next try makes another."""
    if isinstance(job, RunWork):
        _keep_logs(context, token, directory, longest=_longest_log(job))
    elif isinstance(job, BuildWork):
        context.file_work.done(token, Part.DROP, lambda: _drop_source(context, directory))


def _drop_source(context: WorkerContext, directory: Path) -> None:
    context.cluster.files.remove([directory / SOURCE])
    (directory / SOURCE).unlink(missing_ok=True)


def _by_nobody(context: WorkerContext, job: Work, token: Token) -> bool:
    """Whether Slurm itself cancelled a run, as a controller does with what it lost: accounting names no one.

    Raises ``UnreachableError``.
    """
    if not isinstance(job, RunWork):
        return False
    with context.database.reading() as session:
        if cancellation.is_asked(session, session.get_one(Evaluation, job.evaluation.id)):
            return False
    answer = context.cluster.scheduler.find(token)
    if not answer.complete:
        raise UnreachableError(answer.problem)
    words = {report.raw_state for report in answer.jobs.get(token, ())}
    return bool(words) and not any(" by " in word for word in words)


def _close(context: WorkerContext, token: Token, directory: Path) -> None:
    """Let an attempt come to nothing any more, before there is another one.

    A job whose launch did not reach its node ends as NODE_FAIL, and Slurm starts it again under the same number,
    whatever ``--no-requeue`` says. Raises ``UnreachableError``; all of it can be repeated.
    """
    try:
        context.cluster.scheduler.cancel(token)
    except UnexpectedAnswerError as odd:
        raise UnreachableError(str(odd)) from odd
    take_claim(directory, context.cluster.files.make_once)


def _limits(job: Work) -> FetchLimits:
    """Return what is fetched of a run directory: all but what this worker has put there, and the image."""
    size, entries = 4 * LOG_LIMIT, 1000
    if isinstance(job, RunWork):
        size, entries = size + job.task.output_limit, entries + job.task.output_files
    if isinstance(job, MeasureWork):
        size += MANIFEST_BYTES
    return FetchLimits(bytes=size, entries=entries, leave=NOT_FETCHED, last="done")


def _message(context: WorkerContext, verdict: Verdict, directory: Path) -> str:
    """Return what else the team is shown: what pip or Apptainer said.

    A build has seen no private data, so that their words leak none; what they say of places here is left out.
    """
    if verdict.reason not in {FailureReason.ENVIRONMENT, FailureReason.BUILD_FAILED}:
        return ""
    try:
        said = read_log(directory, "stderr.log")
    except RunFileError:
        return ""
    if verdict.reason is FailureReason.ENVIRONMENT:
        return error_of_pip(said)
    return last_line(said, (context.cluster.storage, context.cluster.node.scratch))


def _is_sealed(job: Work, run: RunRecord) -> bool:
    """Judge the probe's findings once more: a script could have been cut short or changed."""
    return not isinstance(job, RunWork) or run.sealed


def _longest_log(job: RunWork) -> int:
    """Return how much is kept of a stream: of a run on the public sample all that the script kept."""
    return LOG_LIMIT + len(LEFT_OUT) if job.submission.is_smoke else MAX_LOG_BYTES


def _keep_logs(context: WorkerContext, token: str, directory: Path, *, longest: int) -> None:
    """Keep the end of what the run wrote. A log that cannot be read decides nothing."""
    tails = {}
    for stream in ("stdout", "stderr"):
        try:
            tails[stream] = tail(read_log(directory, f"{stream}.log"), longest, cut=LOG_LIMIT)
        except RunFileError as problem:
            log.warning("unexpected_log", token=token, detail=str(problem))
    if any(kept.text for kept in tails.values()):
        with context.database.writing() as session:
            run_logs.keep(session, token, tails)


def _tampered(context: WorkerContext, job: Work, token: str, detail: str) -> bool:
    log.error("unexpected_run_directory", token=token, detail=detail)
    # Nobody can tell who did that, so that of a run its program is not spared.
    reason = reason_without_tries(job.job.kind, started=isinstance(job, RunWork))
    with context.database.writing() as session:
        results.failed(session, token, reason, detail=detail, now=context.clock())
    return True


def _ended(context: WorkerContext, attempt: Attempt, run: RunRecord) -> Ended:
    ended_at = attempt.ended_at or context.clock()
    return Ended(
        outcome=attempt.outcome or "",
        exit_code=attempt.exit_code,
        placed=bool(attempt.nodes),
        claimed=run.claimed,
        started=run.started,
        done=run.done,
        container_exit=run.exit_code,
        stop_reason=run.reason or "",
        settled=context.clock() - ended_at >= context.cluster.lag,
    )


def _record_verdict(
    context: WorkerContext, token: str, verdict: Verdict, run: RunRecord, *, message: str
) -> None:
    now, record = context.clock(), as_record(run)
    with context.database.writing() as session:
        if verdict.kind is VerdictKind.TRY_AGAIN:
            results.try_again(
                session,
                token,
                detail=verdict.detail,
                reason=verdict.reason or FailureReason.INFRASTRUCTURE,
                record=record,
                pauses=context.pauses,
                now=now,
            )
        elif verdict.kind is VerdictKind.CANCELLED:
            results.cancelled(session, token, record, now=now)
        else:
            reason = verdict.reason or FailureReason.INFRASTRUCTURE
            results.failed(
                session,
                token,
                reason,
                message=message,
                detail=verdict.detail,
                record=record,
                now=now,
            )
