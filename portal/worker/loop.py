"""The reconcile loop: pass after pass until it is asked to stop."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from portal.domain.evaluations.file_parts import Part
from portal.files.store import StoreError
from portal.services.evaluations import leases, planning
from portal.worker.context import WorkerContext
from portal.worker.file_work.reporting import Sayer
from portal.worker.file_work.work import FileWorkPendingError
from portal.worker.heartbeat import Pulse
from portal.worker.lease_keeping import kept, take
from portal.worker.poll_result import PollResult
from portal.worker.polling import MIN_INTERVAL_SECONDS, PollSchedule
from portal.worker.steps.cancel import end_unsent, stop_live
from portal.worker.steps.collect import collect_ended
from portal.worker.steps.decide import carry_out_decisions
from portal.worker.steps.expire import Expired, expire
from portal.worker.steps.inspect_ahead import Ahead
from portal.worker.steps.resolve import resolve_unclear
from portal.worker.steps.send import send_created
from portal.worker.steps.watch import watch_live
from scheduler.errors import SchedulerError

log = structlog.get_logger("sealrun.worker")

ABANDONED = timedelta(days=1)
"""After this an upload to which nothing was added is what a killed process left: it goes."""
EXPIRE_EVERY = timedelta(minutes=10)
"""How often files are looked for whose time is over; sooner while there are more of them."""
EXPIRE_MORE = timedelta(seconds=20)
GLANCE = 0.05
"""Seconds between two looks whether work on files has come to an end."""
MAX_PAUSE_SECONDS = 30.0
"""Seconds; failing passes are spaced wider and wider up to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What a pass did."""

    planned: int
    sent: int
    unclear: int
    live: int
    collected: int
    files: int
    """On whose files work goes on."""

    @property
    def is_busy(self) -> bool:
        """Whether something is about to change."""
        return any((self.planned, self.sent, self.unclear, self.live, self.collected, self.files))


def run_pass(context: WorkerContext, schedule: PollSchedule) -> PassResult:
    """Do everything that can be done now, once. Killed anywhere, the next pass goes on from there.

    Unclear attempts come before sending: what a dead worker left ``submitting`` must be looked up
    before this worker marks others so. Nothing is sent while the cluster is left alone.

    What goes wrong with one thing is written down at it. What goes wrong with a step as a whole keeps no other
    step from being taken: it is raised at the end.
    """
    sent = PollResult()
    steps = _Steps()
    steps.take(lambda: end_unsent(context), 0)
    unclear, live = steps.take(lambda: _ask(context, schedule), (PollResult(), PollResult()))
    collected = steps.take(lambda: collect_ended(context), 0)
    steps.take(lambda: carry_out_decisions(context), 0)
    planned = steps.take(lambda: _plan(context), 0)
    if not schedule.is_open:
        sent = steps.take(lambda: send_created(context), PollResult())
        if not sent.complete:
            schedule.failed(sent.problem)
    steps.check()
    if sent.changed or collected or planned:
        schedule.expect()
    return PassResult(
        planned=planned,
        sent=sent.queried,
        unclear=unclear.queried,
        live=live.queried,
        collected=collected,
        files=len(context.file_work.under_way()),
    )


T = TypeVar("T")


class _Steps:
    """Takes one step after the other, also after one that failed."""

    def __init__(self) -> None:
        self._problems: list[Exception] = []

    def take(self, step: Callable[[], T], otherwise: T) -> T:
        try:
            return step()
        except Exception as problem:
            log.exception("step_failed_for_all")
            self._problems.append(problem)
            return otherwise

    def check(self) -> None:
        """Raise what went wrong first."""
        if self._problems:
            raise self._problems[0]


def _ask(context: WorkerContext, schedule: PollSchedule) -> tuple[PollResult, PollResult]:
    """Ask the cluster about what is unclear and what lives, when it is time to."""
    if not schedule.is_due:
        return PollResult(), PollResult()
    unclear = resolve_unclear(context)
    live = _look_after_live(context) if unclear.complete else PollResult()
    if unclear.complete and live.complete and not unclear.queried and not live.queried:
        _ask_for_a_sign_of_life(context, schedule)
    else:
        _note(schedule, unclear, live)
    return unclear, live


def _ask_for_a_sign_of_life(context: WorkerContext, schedule: PollSchedule) -> None:
    """Ask an idle cluster from time to time whether it is there: nobody else would find out before it is needed."""
    if schedule.answers and not schedule.is_idle:
        return
    try:
        context.cluster.scheduler.ping()
    except SchedulerError as problem:
        log.warning("heartbeat_failed", problem=str(problem))
        schedule.failed(str(problem))
    else:
        schedule.answered(changed=False)


def _look_after_live(context: WorkerContext) -> PollResult:
    if not stop_live(context):
        return PollResult(complete=False)
    return watch_live(context)


def _note(schedule: PollSchedule, *rounds: PollResult) -> None:
    problem = "; ".join(dict.fromkeys(asked.problem for asked in rounds if asked.problem))
    if not all(asked.complete for asked in rounds):
        schedule.failed(problem)
    elif any(asked.queried for asked in rounds):
        schedule.answered(changed=any(asked.changed for asked in rounds), problem=problem)


def _plan(context: WorkerContext) -> int:
    ahead = Ahead(context)
    with context.database.writing() as session:
        done = planning.plan(
            session,
            resources=context.resources,
            cluster=context.cluster.name,
            probe_image_id=context.probe_image_id,
            may_build=ahead,
            now=context.clock(),
        )
    ahead.forget_others()
    return done.builds + done.measurements + done.runs


def work_until(context: WorkerContext, stop: threading.Event) -> None:
    """Run passes until ``stop`` is set; a failing pass is logged and tried again later."""
    schedule = PollSchedule(context.pace)
    pause = MIN_INTERVAL_SECONDS
    pulse = Pulse(context)
    sayer = Sayer(context)
    name = f"cluster:{context.cluster.name}"
    chores = _Chores(context)
    while not stop.is_set():
        context.file_work.look_up()
        try:
            pause = _one_round(context, schedule, pulse, sayer, name)
        except Exception:
            pause = min(MAX_PAUSE_SECONDS, pause * 2)
            log.exception("pass_failed", again_in=pause)
        chores.look_after()
        _wait(context, stop, pause)
    context.file_work.close()
    with context.database.writing() as session:
        leases.give_back_lease(session, name=name, holder=context.holder, now=context.clock())


def _wait(context: WorkerContext, stop: threading.Event, pause: float) -> None:
    """Wait for the next pass, or until work on files has come to an end."""
    until = time.monotonic() + pause
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        if context.file_work.has_news():
            return
        stop.wait(min(left, GLANCE) if context.file_work.under_way() else left)


class _Chores:
    """What is done from time to time with the files of a storage, beside the passes."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._is_swept = False
        self._expires_at = context.clock()

    def look_after(self) -> None:
        """Begin what is due, and see what became of it; what goes wrong is logged, and tried again later."""
        if not self._is_swept:
            self._is_swept = (
                self._do(Part.SWEEP, lambda: _sweep(self._context)) is not FileWorkPendingError
            )
        now = self._context.clock()
        if now < self._expires_at:
            return
        done = self._do(Part.EXPIRE, lambda: _expire(self._context))
        if done is FileWorkPendingError:
            return
        self._expires_at = now + EXPIRE_EVERY
        if isinstance(done, Expired) and done.deleted:
            self._expires_at = now + EXPIRE_MORE

    def _do(self, part: Part, work: Callable[[], object]) -> object:
        """Return what came of it; ``FileWorkPendingError`` while it goes on, and None where it failed."""
        name = f"{part}:{self._context.cluster.name}"
        try:
            made = self._context.file_work.done(name, part, work)
        except FileWorkPendingError:
            return FileWorkPendingError
        except Exception:
            log.exception("housekeeping_failed", part=part)
            made = None
        self._context.file_work.forget(name)
        return made


def _sweep(context: WorkerContext) -> None:
    """Remove what killed processes left half written; a storage that was tampered with stops nothing else."""
    try:
        context.cluster.sweep(ABANDONED, context.clock())
        context.cluster.store.sweep(ABANDONED, context.clock())
    except (OSError, StoreError) as problem:
        log.error("sweep_failed", problem=str(problem))  # noqa: TRY400 - one line will do


def _expire(context: WorkerContext) -> Expired | None:
    """Delete what is due, if no other worker does; return what was."""
    with context.database.writing() as session:
        mine = leases.take_lease(
            session,
            name=f"retention:{context.cluster.name}",
            holder=context.holder,
            lasts=EXPIRE_EVERY,
            now=context.clock(),
        )
    return expire(context) if mine else None


def _one_round(
    context: WorkerContext, schedule: PollSchedule, pulse: Pulse, sayer: Sayer, name: str
) -> float:
    """Run a pass if this worker drives the cluster; return the seconds until the next.

    Rounds come often, as new work is found in the database alone; the schedule says in which of them
    the cluster is asked.
    """
    idle = context.idle_pause.total_seconds()
    if not take(context, name):
        # Whoever has it does the same work.
        context.file_work.only((), Part.PREPARE, Part.LOOK, Part.FETCH, Part.TAKE, Part.DROP)
        return idle
    try:
        with kept(context, name):
            is_busy = run_pass(context, schedule).is_busy
        return min(idle, MIN_INTERVAL_SECONDS) if is_busy else idle
    finally:
        pulse.beat(schedule)
        sayer.say()
