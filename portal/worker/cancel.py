"""Cancelling: jobs of which somebody wants that they end are stopped, or never sent."""

import structlog

from portal.domain.states import LIVE_ATTEMPTS, AttemptState
from portal.services import results
from portal.worker.boundary import cancelled_in
from portal.worker.context import WorkerContext
from scheduler.errors import SchedulerError

log = structlog.get_logger("sealrun.worker")


def end_unsent(context: WorkerContext) -> int:
    """Close the attempts that were never sent and no longer need to be; return how many."""
    with context.database.reading() as session:
        tokens = cancelled_in(context, session, [AttemptState.CREATED])
    for token in tokens:
        with context.database.writing() as session:
            results.never_sent(session, token, now=context.clock())
    return len(tokens)


def stop_live(context: WorkerContext) -> bool:
    """Ask the cluster to stop what lives; again in each round, until it has ended.

    Returns whether the cluster took every request. An attempt of which nobody knows whether the
    cluster has it is looked up first, and stopped as soon as it is found.
    """
    with context.database.reading() as session:
        tokens = cancelled_in(context, session, sorted(LIVE_ATTEMPTS))
    for token in tokens:
        try:
            context.cluster.scheduler.cancel(token)
        except SchedulerError as problem:
            log.warning("not_cancelled", token=token, problem=str(problem))
            return False
    return True
