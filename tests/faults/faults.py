"""The faults: how each is struck, how long it lasts, how it goes away."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.stage import Stage

SLOW_LINE = 0.7
"""Seconds that every piece is late, in both directions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that fails, and comes back by itself or by its administrators, never by the portal's."""

    name: str
    strike: Callable[[Stage], None]
    heal: Callable[[Stage], None]
    seconds: float = 4
    holds_controller: bool = False
    """Whether it is the controller itself that does not answer meanwhile."""


def _kill(*names: str) -> Callable[[Stage], None]:
    def strike(stage: Stage) -> None:
        for name in names:
            stage.daemon("kill", name)

    return strike


def _start(*names: str) -> Callable[[Stage], None]:
    def heal(stage: Stage) -> None:
        for name in names:
            stage.daemon("start", name)

    return heal


def _cut(stage: Stage) -> None:
    stage.root("ip", "link", "set", "site0", "down")


def _mend(stage: Stage) -> None:
    stage.root("ip", "link", "set", "site0", "up")


def _slow(stage: Stage) -> None:
    stage.line.delay = SLOW_LINE


def _quick(stage: Stage) -> None:
    stage.line.delay = 0


FAULTS = (
    Fault(
        name="slurmctld stopped (SIGSTOP) and resumed",
        strike=lambda stage: stage.daemon("pause", "slurmctld"),
        heal=lambda stage: stage.daemon("resume", "slurmctld"),
        # Longer than MessageTimeout: sbatch gives up before the controller goes on.
        seconds=7,
        holds_controller=True,
    ),
    Fault(
        name="slurmctld killed and restarted",
        strike=_kill("slurmctld"),
        heal=_start("slurmctld"),
        holds_controller=True,
    ),
    Fault(name="slurmdbd killed and restarted", strike=_kill("slurmdbd"), heal=_start("slurmdbd")),
    Fault(
        name="MariaDB killed and restarted",
        strike=_kill("mariadbd"),
        # slurmdbd may have given up meanwhile.
        heal=_start("mariadbd", "slurmdbd"),
    ),
    Fault(
        name="slurmd killed and restarted on both nodes",
        strike=_kill("slurmd-gpu", "slurmd-build"),
        heal=_start("slurmd-gpu", "slurmd-build"),
    ),
    Fault(name="SSH link cut and mended", strike=_cut, heal=_mend),
    Fault(name="SSH link slow", strike=_slow, heal=_quick, seconds=6),
    Fault(
        name="disk of the storage full",
        strike=lambda stage: stage.fill_disk(),
        heal=lambda stage: stage.free_disk(),
        # The slow program comes to write its predictions while it lasts.
        seconds=14,
    ),
)


def last(fault: Fault, stage: Stage) -> float:
    """Let the fault last and go away; return the moment, in seconds since the epoch, at which it was gone."""
    time.sleep(fault.seconds)
    fault.heal(stage)
    return time.time()
