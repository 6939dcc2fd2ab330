"""Keeping the lease of a cluster while a pass goes on: one question to it can take longer than the lease lasts."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from portal.services.evaluations import leases
from portal.worker.context import WorkerContext

log = structlog.get_logger("sealrun.worker")

LEASE = timedelta(seconds=20)
MAX_PASS = timedelta(minutes=15)
"""After this a pass counts as one that hangs: another worker may take over."""


def take(context: WorkerContext, name: str) -> bool:
    """Take or renew the lease; False while another worker has it."""
    with context.database.writing() as session:
        return leases.take_lease(
            session, name=name, holder=context.holder, lasts=LEASE, now=context.clock()
        )


@contextmanager
def kept(context: WorkerContext, name: str) -> Iterator[None]:
    """Renew the lease from time to time while something is done under it."""
    over = threading.Event()
    arguments = (context, name, over)
    thread = threading.Thread(target=_renew, args=arguments, name=f"lease:{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(context: WorkerContext, name: str, over: threading.Event) -> None:
    until = time.monotonic() + MAX_PASS.total_seconds()
    while not over.wait(LEASE.total_seconds() / 4) and time.monotonic() < until:
        try:
            if not take(context, name):
                log.warning("lease_lost", name=name)
                return
        except Exception as problem:  # noqa: BLE001 - the database is away: the pass finds that itself
            log.warning("lease_renewal_failed", name=name, problem=str(problem))
