"""Resolving: attempts of which nobody knows whether the cluster has them."""

from pathlib import Path

import structlog

from containers.rundir import take_claim
from portal.db.queries import work
from portal.db.queries.runs import work_of
from portal.domain.states import AttemptState
from portal.services import attempts, results
from portal.worker.asking import Asked
from portal.worker.context import WorkerContext
from portal.worker.reports import take_over
from scheduler.errors import Unreachable
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")

UNCLEAR = (AttemptState.SUBMITTING, AttemptState.INDETERMINATE)


def resolve_unclear(context: WorkerContext) -> Asked:
    """Look every unclear attempt up by its token, until one lookup is not answered.

    An attempt that is still ``submitting`` when a pass begins was left by a worker that died
    between the mark and the answer.
    """
    with context.database.reading() as session:
        tokens = work.tokens_in(session, context.cluster.name, UNCLEAR)
    settled = 0
    for token in tokens:
        is_settled = _resolve(context, token)
        if is_settled is None:
            # What comes after it would hardly be answered either.
            return Asked(about=len(tokens), complete=False, news=settled > 0)
        settled += is_settled
    return Asked(about=len(tokens), news=settled > 0)


def _resolve(context: WorkerContext, token: str) -> bool | None:
    """Return whether the attempt is clear now; None where the cluster did not answer."""
    with context.database.writing() as session:
        attempt = attempts.lock_attempt(session, token)
        if attempt.state is AttemptState.SUBMITTING:
            attempts.unclear(session, token, "the worker ended while it was being submitted")
    answer = context.cluster.scheduler.find(Token(token))
    found = answer.jobs.get(Token(token), ())
    if found:
        take_over(context, found)
        return True
    return _denied(context, token) if answer.complete else None


def _denied(context: WorkerContext, token: str) -> bool:
    """Count the time of denial; after the grace take the claim, and only then try again."""
    now = context.clock()
    with context.database.writing() as session:
        since = attempts.not_seen(session, token, now=now)
    if now - since < context.cluster.grace:
        return False
    return give_up(context, token, "the cluster does not know the job")


def give_up(context: WorkerContext, token: str, detail: str) -> bool:
    """Close an attempt that the cluster denies. True: it is closed.

    Whoever makes the directory ``claim`` owns the attempt. If the portal gets it, the job can never
    do anything, however late it starts, and another attempt is safe. If it is there already the job
    did start: that is for staff to look at, since what it did is not known.
    """
    with context.database.reading() as session:
        job = work_of(session, token).job
    directory: Path = context.cluster.run_directory(job.id, token)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        never_ran = take_claim(directory, context.cluster.files.make_once)
    except Unreachable as problem:
        log.warning("not_given_up", token=token, problem=str(problem))
        return False
    log.warning("given_up", token=token, detail=detail, never_ran=never_ran)
    with context.database.writing() as session:
        if never_ran:
            results.try_again(session, token, detail=detail, lost=True, now=context.clock())
        else:
            results.lost(session, token, detail=f"{detail}, but it started", now=context.clock())
    return True
