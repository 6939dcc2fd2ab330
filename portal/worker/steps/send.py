"""Sending: attempts that are written down go to the cluster, each exactly once.

Order of the steps, each durable before the next: the row (``created``), the mark that the command
is about to run (``submitting``), the command, the answer. A worker that dies leaves the attempt in
one of these states, and each of them says what has to be done.
"""

from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from portal.domain.errors import OperatorError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import AttemptState
from portal.files.errors import BadArchiveError
from portal.services.attention.troubles import Step
from portal.services.evaluations import attempts, results
from portal.worker.boundary import tokens_in
from portal.worker.context import WorkerContext
from portal.worker.poll_result import PollResult
from portal.worker.prepare import run_notes
from portal.worker.prepare.run_directory import prepare
from portal.worker.set_aside import each
from scheduler.errors import UnreachableError
from scheduler.interface import Accepted, Indeterminate, JobSpec, Refused, Submitted, Token

log = structlog.get_logger("sealrun.worker")


def send_created(context: WorkerContext) -> PollResult:
    """Send every attempt that was never sent, until the cluster is full or does not answer."""
    with context.database.reading() as session:
        tokens = tokens_in(context, session, [AttemptState.CREATED])
    context.file_work.only(tokens, Part.PREPARE)
    sent = 0
    try:
        for answer in each(context, Step.SEND, tokens, lambda token: _send(context, token)):
            if isinstance(answer, Refused) and answer.is_temporary:
                # What comes after it would be refused as well: the next pass asks again.
                break
            sent += answer is not None
            if isinstance(answer, Indeterminate):
                # What comes after it would wait as long, and be as unclear.
                return PollResult(
                    queried=sent, complete=False, changed=True, problem=answer.message
                )
    except UnreachableError as problem:
        log.warning("file_work_failed", problem=str(problem))
        return PollResult(queried=sent, complete=False, changed=sent > 0, problem=str(problem))
    return PollResult(queried=sent, changed=sent > 0)


def _send(context: WorkerContext, token: Token) -> Submitted | None:
    """Send one attempt; None where there is nothing to send yet."""
    with context.database.reading() as session:
        if context.clock() < attempts.due_at(session, token, context.pauses):
            return None
    spec = _prepared(context, token)
    if spec is None:
        return None
    with context.database.writing() as session:
        if not attempts.start_submitting(session, token, now=context.clock()):
            return None
    # From here on the run is what was noted, whatever becomes of its row.
    directory = Path(spec.workdir)
    run_notes.note_sent(directory)
    answer = context.cluster.scheduler.submit(spec, token)
    if isinstance(answer, Refused):
        run_notes.note_refused(directory)
    with context.database.writing() as session:
        _record(session, token, answer, now=context.clock())
    return answer


def _record(session: Session, token: str, answer: Submitted, *, now: datetime) -> None:
    if isinstance(answer, Accepted):
        log.info("job_submitted", token=token, job=answer.ref.job_id)
        attempts.accepted(session, token, answer.ref, now=now)
    elif isinstance(answer, Indeterminate):
        log.warning("submit_indeterminate", token=token, detail=answer.message)
        attempts.unclear(session, token, answer.message)
    elif answer.is_temporary:
        log.info("queue_full", token=token, detail=answer.message)
        attempts.no_room(session, token, answer.message)
    else:
        detail = f"{answer.reason}: {answer.message}"
        log.error("submit_refused", token=token, detail=detail)
        attempts.step(attempts.lock_attempt(session, token), AttemptState.ENDED)
        results.failed(session, token, FailureReason.REFUSED, detail=detail, now=now)


def _prepared(context: WorkerContext, token: Token) -> JobSpec | None:
    """Return what to send; end the attempt where it can never be sent."""
    try:
        return prepare(context, token)
    except BadArchiveError as problem:
        reason, message, detail = FailureReason.BAD_ARCHIVE, problem.message, problem.reason
    except (OperatorError, ValueError) as problem:
        # ValueError: a path or a setting that the script cannot take literally.
        reason, message, detail = FailureReason.PREPARATION, "", str(problem)
    log.warning("preparation_failed", token=token, reason=reason, detail=detail)
    with context.database.writing() as session:
        attempts.step(attempts.lock_attempt(session, token), AttemptState.ENDED)
        results.failed(session, token, reason, message=message, detail=detail, now=context.clock())
    return None
