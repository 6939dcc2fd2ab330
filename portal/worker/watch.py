"""Watching: one question about all live jobs, and what follows from the answer."""

import structlog

from portal.domain.states import LIVE_ATTEMPTS
from portal.services import attempts
from portal.services.troubles import Step
from portal.worker.asking import Asked
from portal.worker.boundary import tokens_in
from portal.worker.context import WorkerContext
from portal.worker.reports import take_over
from portal.worker.resolve import give_up
from portal.worker.set_aside import each
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")


def watch_live(context: WorkerContext) -> Asked:
    """Ask about all live attempts at once.

    An incomplete answer changes only what it does mention: silence about a job is no news.
    """
    with context.database.reading() as session:
        tokens = tokens_in(context, session, sorted(LIVE_ATTEMPTS))
    if not tokens:
        return Asked()
    answer = context.cluster.scheduler.snapshot(tokens)
    if not answer.complete:
        log.warning("incomplete_snapshot", problem=answer.problem)
    reports = [attempts.decisive(found) for found in answer.jobs.values()]
    with context.database.writing() as session:
        others = attempts.confirm(session, reports, now=context.clock())
    new = {report.token: report for report in others}
    news = list(
        each(context, Step.WATCH, list(new), lambda token: take_over(context, [new[token]]))
    )
    if answer.complete:
        absent = sorted(set(tokens) - set(answer.jobs))
        for _ in each(context, Step.WATCH, absent, lambda token: _absent(context, token)):
            pass
    return Asked(
        about=len(tokens), complete=answer.complete, news=any(news), problem=answer.problem
    )


def _absent(context: WorkerContext, token: Token) -> None:
    now = context.clock()
    with context.database.writing() as session:
        since = attempts.not_seen(session, token, now=now)
    if now - since >= context.cluster.absence:
        give_up(context, token, "the cluster no longer knows the job", since=since)
