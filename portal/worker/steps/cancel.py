"""Cancelling: jobs of which somebody wants that they end are stopped, or never sent."""

import structlog

from portal.domain.evaluations.states import LIVE_ATTEMPTS, AttemptState
from portal.services.attention.troubles import Step
from portal.services.evaluations import results
from portal.worker.boundary import cancelled_in
from portal.worker.context import WorkerContext
from portal.worker.set_aside import each
from scheduler.errors import UnreachableError
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")


def end_unsent(context: WorkerContext) -> int:
    """Close the attempts that were never sent and no longer need to be; return how many."""
    with context.database.reading() as session:
        tokens = cancelled_in(context, session, [AttemptState.CREATED])
    return len(list(each(context, Step.CANCEL, tokens, lambda token: _end(context, token))))


def _end(context: WorkerContext, token: Token) -> None:
    with context.database.writing() as session:
        results.cancelled_before_submit(session, token, now=context.clock())


def stop_live(context: WorkerContext) -> bool:
    """Ask the cluster to stop what lives; again in each round, until it has ended.

    Returns whether the cluster took every request. An attempt of which nobody knows whether the
    cluster has it is looked up first, and stopped as soon as it is found.
    """
    with context.database.reading() as session:
        tokens = cancelled_in(context, session, sorted(LIVE_ATTEMPTS))
    scheduler = context.cluster.scheduler
    try:
        list(each(context, Step.CANCEL, tokens, scheduler.cancel))
    except UnreachableError as problem:
        log.warning("cancel_failed", problem=str(problem))
        return False
    return True
