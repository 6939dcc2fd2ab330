"""The scenes: submissions that are at different places when a fault strikes, all in one fault.

`sbatch` is the place where the worker waits, so one submission can be in the middle of it, another not
yet sent, a third running, and a fourth ended with nobody having looked.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from portal.db.tables import Attempt, Job
from portal.domain.evaluations.jobs import JobKind
from tests.faults.faults import Fault, last
from tests.faults.stage import QUICK, RESULTS, SLOW, Stage
from tests.support.patience import until

PATIENCE = timedelta(seconds=600)
"""After a fault is gone. Forty seconds are usual; a job whose end the controller forgot lives until its limit."""
LEASE = 4
BEFORE, DURING, AFTER = "before sbatch", "during sbatch", "after sbatch"
RUNNING, COLLECTING = "while running", "while collecting"
TWO, KILLED = "two workers at once", "the leading worker killed"
MOMENTS = (BEFORE, DURING, AFTER, RUNNING, COLLECTING, TWO, KILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A scene that is over and settled: which submission was where, and when the fault was gone."""

    fault: str
    files: dict[str, str]
    """The file by the submission's id."""
    moments: dict[str, str]
    """The submission's id by the moment."""
    healed: float
    """Seconds since the epoch."""


def play_during(stage: Stage, fault: Fault) -> Played:
    """Strike while one ``sbatch`` is under way, one job runs, one has ended and one is not sent yet."""
    person = stage.new_person()
    running = stage.submit(SLOW, person)
    _wait(lambda: _has_mark(stage, running, "claim/token"))
    first = stage.gate.calls() + 1
    stage.gate.hold(first + 1, place="before")
    with stage.worker_stopped():
        collecting = stage.submit(RESULTS, person)
        during = stage.submit(RESULTS, person)
    stage.gate.wait_called(first + 1)
    before = stage.submit(QUICK, person)
    ended, sent = _which_is_where(stage, collecting, during)
    _wait(lambda: _has_mark(stage, ended, "done"))

    _strike_during(stage, fault, first + 1)
    healed = last(fault, stage)
    stage.spine.wait(PATIENCE, stage.spine.is_settled)
    return Played(
        fault=fault.name,
        files={running: SLOW, collecting: RESULTS, during: RESULTS, before: QUICK},
        moments={BEFORE: before, DURING: sent, RUNNING: running, COLLECTING: ended},
        healed=healed,
    )


def play_after(stage: Stage, fault: Fault) -> Played:
    """Strike when the cluster has the job and the answer is still on its way."""
    number = stage.gate.calls() + 1
    stage.gate.hold(number, place="after")
    submission = stage.submit(RESULTS, stage.new_person())
    stage.gate.wait_ended(number)

    fault.strike(stage)
    stage.gate.release(number)
    healed = last(fault, stage)
    stage.spine.wait(PATIENCE, stage.spine.is_settled)
    return Played(
        fault=fault.name,
        files={submission: RESULTS},
        moments={AFTER: submission},
        healed=healed,
    )


def play_killed(stage: Stage, fault: Fault, *, after: float) -> Played:
    """Strike while two workers are there, and kill the one that leads ``after`` seconds of the fault."""
    stage.end_workers()
    workers = {worker.pid: worker for worker in (_hurried(stage), _hurried(stage))}
    person = stage.new_person()
    two = stage.submit(QUICK, person)
    _wait(lambda: _has_attempts(stage, two))
    killed = stage.submit(RESULTS, person)

    fault.strike(stage)
    time.sleep(after)
    leader = workers[int(stage.spine.lease_holder().rpartition(":")[2])]
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    healed = last(fault, stage)
    stage.spine.wait(PATIENCE, stage.spine.is_settled)
    stage.end_workers()
    stage.start_worker()
    return Played(
        fault=fault.name,
        files={two: QUICK, killed: RESULTS},
        moments={TWO: two, KILLED: killed},
        healed=healed,
    )


def _hurried(stage: Stage) -> subprocess.Popen[bytes]:
    return stage.start_worker(lease=LEASE)


def _strike_during(stage: Stage, fault: Fault, call: int) -> None:
    """Strike when the real ``sbatch`` has begun: its request is kept waiting by a stopped controller."""
    stage.daemon("pause", "slurmctld")
    stage.gate.release(call)
    stage.gate.wait_begun(call)
    time.sleep(0.3)
    fault.strike(stage)
    if not fault.holds_controller:
        stage.daemon("resume", "slurmctld")


def attempts_of(stage: Stage, submission: str) -> list[tuple[Attempt, Job]]:
    """Return the attempts at the jobs of a submission, those at its image left out."""
    evaluation = stage.spine.evaluations()[submission].id
    return [(one, job) for one, job in stage.spine.attempts() if job.evaluation_id == evaluation]


def _which_is_where(stage: Stage, one: str, other: str) -> tuple[str, str]:
    """Return the one that the cluster has, and the one that is just being sent."""
    _wait(lambda: any(_is_sent(stage, each) for each in (one, other)))
    return (one, other) if _is_sent(stage, one) else (other, one)


def _is_sent(stage: Stage, submission: str) -> bool:
    return any(attempt.queued_at for attempt, _ in attempts_of(stage, submission))


def _has_attempts(stage: Stage, submission: str) -> bool:
    return submission in stage.spine.evaluations() and bool(attempts_of(stage, submission))


def _has_mark(stage: Stage, submission: str, mark: str) -> bool:
    """Whether a job of the submission, a predict job first of all, left the file in its directory."""
    if submission not in stage.spine.evaluations():
        return False
    return any(
        (directory_of(stage, attempt, job) / mark).exists()
        for attempt, job in attempts_of(stage, submission)
        if job.kind is not JobKind.BUILD
    )


def directory_of(stage: Stage, attempt: Attempt, job: Job) -> Path:
    return stage.spine.storage / "runs" / job.id / attempt.token


def _wait(is_so: Callable[[], bool]) -> None:
    until(is_so, pause=0.05, what="the scene could not be set")
