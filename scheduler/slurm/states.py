"""The one table that turns Slurm's words for a job's state into ours.

The words are those of Slurm's ``job_state_codes`` page and of the libraries of releases 22.05, 24.11
and 26.05: twelve base states, and flags, which squeue and sacct print in place of the base state. A
word without a row is ``Phase.UNKNOWN``: a new release must not make a running job look ended.
"""

from collections.abc import Collection
from dataclasses import dataclass

from scheduler.interface import Outcome, Phase
from scheduler.slurm.reasons import LAUNCH_REASONS, needs_a_person


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one of Slurm's words means."""

    phase: Phase
    outcome: Outcome | None = None
    """Set exactly when ``phase`` is ``ENDED``."""
    is_flag: bool = False
    """Whether it is a flag beside a base state."""
    meaning: str
    """What has happened, for people who know Slurm."""


def _base(phase: Phase, meaning: str, outcome: Outcome | None = None) -> State:
    return State(phase=phase, outcome=outcome, meaning=meaning)


def _flag(phase: Phase, meaning: str, outcome: Outcome | None = None) -> State:
    return State(phase=phase, outcome=outcome, is_flag=True, meaning=meaning)


P, O = Phase, Outcome  # noqa: E741 - short, for a table
STATES: dict[str, State] = {
    "PENDING": _base(P.PENDING, "waits for resources, or for what its reason says"),
    "RUNNING": _base(P.RUNNING, "has its node"),
    "SUSPENDED": _base(
        P.RUNNING, "stopped by an administrator or for another job; keeps its memory"
    ),
    "COMPLETED": _base(P.ENDED, "the script's exit code was 0", O.COMPLETED),
    "FAILED": _base(P.ENDED, "another exit code, or a signal", O.FAILED),
    "TIMEOUT": _base(P.ENDED, "ran to its time limit", O.TIME_LIMIT),
    "OUT_OF_MEMORY": _base(P.ENDED, "a process of it passed the memory limit", O.MEMORY_LIMIT),
    "CANCELLED": _base(P.ENDED, "cancelled by its user, an administrator or Slurm", O.CANCELLED),
    "DEADLINE": _base(P.ENDED, "could not end before its deadline", O.DEADLINE),
    "NODE_FAIL": _base(P.ENDED, "its node went down under it", O.NODE_FAILURE),
    "BOOT_FAIL": _base(P.ENDED, "its node did not boot", O.BOOT_FAILURE),
    "PREEMPTED": _base(P.ENDED, "made way for a job of higher priority", O.PREEMPTED),
    # The script has not begun.
    "CONFIGURING": _flag(P.PENDING, "its node is booted or runs the prolog"),
    "POWER_UP_NODE": _flag(P.PENDING, "its node is powered up"),
    "EXPEDITING": _flag(P.PENDING, "put back after a node failure and next in line (26.05)"),
    # The script has ended but an epilog or a copy still runs, so files may change.
    "COMPLETING": _flag(
        P.FINISHING, "its processes or the epilog still end; also before a requeue"
    ),
    "STAGE_OUT": _flag(P.FINISHING, "the burst buffer is copied out"),
    "REQUEUED": _flag(P.PENDING, "put back into the queue"),
    "REQUEUE_FED": _flag(P.PENDING, "put back into the queue of its federation"),
    "REQUEUE_HOLD": _flag(P.HELD, "put back and held until an administrator releases it"),
    "SPECIAL_EXIT": _flag(P.HELD, "as REQUEUE_HOLD, after an exit code that the site singles out"),
    "RESV_DEL_HOLD": _flag(P.HELD, "held since its reservation was deleted"),
    "LAUNCH_FAILED": _flag(P.ENDED, "the node could not launch it", O.LAUNCH_FAILURE),
    "RECONFIG_FAIL": _flag(P.ENDED, "its node could not be reconfigured", O.LAUNCH_FAILURE),
    # The job keeps its node meanwhile.
    "RESIZING": _flag(P.RUNNING, "its allocation is about to change"),
    "SIGNALING": _flag(P.RUNNING, "a signal is on its way to it"),
    "STOPPED": _flag(P.RUNNING, "stopped by SIGSTOP; keeps its cores"),
    "REVOKED": _flag(P.UNKNOWN, "a sibling cluster of a federation runs it"),
    "UPDATE_DB": _flag(P.UNKNOWN, "accounting is informed of its start once more (22.05)"),
}

# Of several flags the one that promises least decides.
_CAUTION = (P.UNKNOWN, P.FINISHING, P.HELD, P.PENDING, P.ENDED, P.RUNNING)


def interpret(raw_state: str, reason: str = "", exit_code: int = 0) -> tuple[Phase, Outcome | None]:
    """Return our words for Slurm's ``raw_state``, which may go on as in ``CANCELLED by 1000``."""
    word = raw_state.split(maxsplit=1)[0] if raw_state.strip() else ""
    if (state := STATES.get(word)) is None:
        return Phase.UNKNOWN, None
    if state.phase is Phase.PENDING and needs_a_person(reason):
        return Phase.HELD, None
    if state.outcome is Outcome.CANCELLED and reason in LAUNCH_REASONS and exit_code == 1:
        return state.phase, Outcome.LAUNCH_FAILURE
    return state.phase, state.outcome


def leading_word(words: Collection[str]) -> str:
    """Return which of several words decides; JSON lists the base state and all flags.

    A word without a row decides at once. A flag cannot end a job whose base state lives, and a job
    whose base state has ended is not made to run by a flag.
    """
    if unknown := [word for word in words if word not in STATES]:
        return unknown[0]
    base = next((word for word in words if not STATES[word].is_flag), "")
    has_ended = bool(base) and STATES[base].phase is Phase.ENDED
    flags = [
        word
        for word in words
        if STATES[word].is_flag
        and not (has_ended and STATES[word].phase is Phase.RUNNING)
        and not (base and not has_ended and STATES[word].phase is Phase.ENDED)
    ]
    return min(flags, key=lambda word: _CAUTION.index(STATES[word].phase), default=base)
