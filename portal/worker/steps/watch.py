"""Watching: one question about all live jobs, and what follows from the answer."""

from collections.abc import Sequence

import structlog

from portal.domain.evaluations.states import LIVE_ATTEMPTS
from portal.services.attention import troubles
from portal.services.attention.troubles import Step
from portal.services.evaluations import attempts
from portal.worker.boundary import tokens_in
from portal.worker.context import WorkerContext
from portal.worker.job_reports import apply_all_job_reports
from portal.worker.poll_result import PollResult
from portal.worker.set_aside import each
from portal.worker.steps.resolve import give_up
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")


def watch_live(context: WorkerContext) -> PollResult:
    """Ask about all live attempts at once.

    An incomplete answer changes only what it does mention: silence about a job is no news.
    """
    with context.database.reading() as session:
        tokens = tokens_in(context, session, sorted(LIVE_ATTEMPTS))
    if not tokens:
        return PollResult()
    answer = context.cluster.scheduler.snapshot(tokens)
    if not answer.complete:
        log.warning("incomplete_snapshot", problem=answer.problem)
    reports = [attempts.decisive(found) for found in answer.jobs.values()]
    with context.database.writing() as session:
        others = attempts.confirm(session, reports, now=context.clock())
    changed = apply_all_job_reports(context, {report.token: report for report in others})
    if answer.complete:
        _give_up_absent(context, sorted(set(tokens) - set(answer.jobs)))
    return PollResult(
        queried=len(tokens), complete=answer.complete, changed=changed, problem=answer.problem
    )


def _give_up_absent(context: WorkerContext, tokens: Sequence[Token]) -> None:
    """Note which attempts the cluster does not have, and give up those that it has not had for too long."""
    if not tokens:
        return
    now = context.clock()
    with context.database.writing() as session:
        asleep = troubles.known(session, Step.WATCH, now=now).asleep
        awake = [token for token in tokens if token not in asleep]
        since = attempts.not_seen_all(session, awake, now=now)

    def settle(token: Token) -> None:
        if now - since[token] >= context.cluster.absence:
            give_up(context, token, "the cluster no longer knows the job", since=since[token])

    for _ in each(context, Step.WATCH, awake, settle):
        pass
