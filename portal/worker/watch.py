"""Watching: one question about all live jobs, and what follows from the answer."""

import structlog

from portal.db.queries import work
from portal.domain.states import LIVE_ATTEMPTS
from portal.services import attempts
from portal.worker.context import WorkerContext
from portal.worker.resolve import give_up
from scheduler.interface import Phase, Snapshot, Token

log = structlog.get_logger("sealrun.worker")


def watch_live(context: WorkerContext) -> int:
    """Ask about all live attempts at once; return how many there are.

    An incomplete answer changes only what it does mention: silence about a job is no news.
    """
    with context.database.reading() as session:
        tokens = work.tokens_in(session, context.cluster.name, sorted(LIVE_ATTEMPTS))
    if not tokens:
        return 0
    answer = context.cluster.scheduler.snapshot([Token(token) for token in tokens])
    if not answer.complete:
        log.warning("incomplete_snapshot", problem=answer.problem)
    _take_over(context, answer)
    if answer.complete:
        for token in set(tokens) - set(answer.jobs):
            _absent(context, token)
    return len(tokens)


def _take_over(context: WorkerContext, answer: Snapshot) -> None:
    now = context.clock()
    for reports in answer.jobs.values():
        report = attempts.decisive(reports)
        if report.phase is Phase.UNKNOWN:
            log.error("unknown_state", token=report.token, state=report.raw_state)
        with context.database.writing() as session:
            attempts.reported(session, report, now=now)


def _absent(context: WorkerContext, token: str) -> None:
    now = context.clock()
    with context.database.writing() as session:
        since = attempts.not_seen(session, token, now=now)
    if now - since >= context.cluster.absence:
        give_up(context, token, "the cluster no longer knows the job")
