"""The reconcile loop: pass after pass until it is told to stop."""

import threading
from dataclasses import dataclass
from datetime import timedelta

import structlog

from portal.services import leases, planning
from portal.worker.collect import collect_ended
from portal.worker.context import WorkerContext
from portal.worker.resolve import resolve_unclear
from portal.worker.send import send_created
from portal.worker.watch import watch_live

log = structlog.get_logger("sealrun.worker")

LEASE = timedelta(seconds=20)
BUSY_PAUSE = 0.3
"""Seconds between passes while jobs are with the cluster: one squeue each."""
ABANDONED = timedelta(days=1)
"""After this an upload to which nothing was added is what a killed process left: it goes."""
LONGEST_PAUSE = 30.0
"""Seconds; failing passes are spaced wider and wider up to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What a pass did."""

    planned: int
    sent: int
    unclear: int
    live: int
    collected: int

    @property
    def is_busy(self) -> bool:
        """Whether something is about to change."""
        return any((self.planned, self.sent, self.unclear, self.live, self.collected))


def run_pass(context: WorkerContext) -> PassResult:
    """Do everything that can be done now, once. Killed anywhere, the next pass goes on from there.

    Unclear attempts come before sending: what a dead worker left ``submitting`` must be looked up
    before this worker marks others so.
    """
    unclear = resolve_unclear(context)
    live = watch_live(context)
    collected = collect_ended(context)
    planned = _plan(context)
    sent = send_created(context)
    return PassResult(planned=planned, sent=sent, unclear=unclear, live=live, collected=collected)


def _plan(context: WorkerContext) -> int:
    with context.database.writing() as session:
        done = planning.plan(
            session,
            resources=context.resources,
            probe_image_id=context.probe_image_id,
            now=context.clock(),
        )
    return done.builds + done.runs


def work_until(context: WorkerContext, stop: threading.Event) -> None:
    """Run passes until ``stop`` is set; a failing pass is logged and tried again later."""
    context.store.sweep(ABANDONED, context.clock())
    pause = BUSY_PAUSE
    name = f"cluster:{context.cluster.name}"
    while not stop.is_set():
        try:
            pause = _one_round(context, name)
        except Exception:
            pause = min(LONGEST_PAUSE, pause * 2)
            log.exception("pass_failed", again_in=pause)
        stop.wait(pause)
    with context.database.writing() as session:
        leases.give_back_lease(session, name=name, holder=context.holder, now=context.clock())


def _one_round(context: WorkerContext, name: str) -> float:
    with context.database.writing() as session:
        mine = leases.take_lease(
            session, name=name, holder=context.holder, lasts=LEASE, now=context.clock()
        )
    idle = context.idle_pause.total_seconds()
    return min(idle, BUSY_PAUSE) if mine and run_pass(context).is_busy else idle
