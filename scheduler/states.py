"""The one table that turns Slurm's words for a job's state into ours.

The words are those of ``job_state_codes`` in Slurm's documentation up to release 26.05: twelve base
states, and flags, which squeue and sacct print in place of the base state. A word without a row is
``Phase.UNKNOWN``: a new release must not make a running job look ended.
"""

from scheduler.interface import Outcome, Phase

STATES: dict[str, tuple[Phase, Outcome | None]] = {
    "PENDING": (Phase.PENDING, None),
    "RUNNING": (Phase.RUNNING, None),
    "SUSPENDED": (Phase.RUNNING, None),
    "COMPLETED": (Phase.ENDED, Outcome.COMPLETED),
    "FAILED": (Phase.ENDED, Outcome.FAILED),
    "TIMEOUT": (Phase.ENDED, Outcome.TIME_LIMIT),
    "OUT_OF_MEMORY": (Phase.ENDED, Outcome.MEMORY_LIMIT),
    "CANCELLED": (Phase.ENDED, Outcome.CANCELLED),
    "DEADLINE": (Phase.ENDED, Outcome.DEADLINE),
    "NODE_FAIL": (Phase.ENDED, Outcome.NODE_FAILURE),
    "BOOT_FAIL": (Phase.ENDED, Outcome.BOOT_FAILURE),
    "PREEMPTED": (Phase.ENDED, Outcome.PREEMPTED),
    # A node is being prepared: the script has not begun.
    "CONFIGURING": (Phase.PENDING, None),
    "POWER_UP_NODE": (Phase.PENDING, None),
    "EXPEDITING": (Phase.PENDING, None),
    # The script has ended but an epilog or a copy still runs, so files may change.
    "COMPLETING": (Phase.FINISHING, None),
    "STAGE_OUT": (Phase.FINISHING, None),
    "REQUEUED": (Phase.PENDING, None),
    "REQUEUE_FED": (Phase.PENDING, None),
    "REQUEUE_HOLD": (Phase.HELD, None),
    "SPECIAL_EXIT": (Phase.HELD, None),
    "RESV_DEL_HOLD": (Phase.HELD, None),
    "LAUNCH_FAILED": (Phase.ENDED, Outcome.LAUNCH_FAILURE),
    "RECONFIG_FAIL": (Phase.ENDED, Outcome.LAUNCH_FAILURE),
    # The job keeps its node meanwhile.
    "RESIZING": (Phase.RUNNING, None),
    "SIGNALING": (Phase.RUNNING, None),
    "STOPPED": (Phase.RUNNING, None),
    # A sibling cluster of a federation may run it.
    "REVOKED": (Phase.UNKNOWN, None),
    "UPDATE_DB": (Phase.UNKNOWN, None),
}

HELD_REASONS = frozenset({"JobHeldUser", "JobHeldAdmin", "JobHoldMaxRequeue", "BadConstraints"})
"""Reasons with which a pending job waits for a person rather than for a node."""

LAUNCH_REASONS = frozenset({"Prolog", "JobLaunchFailure"})
"""Reasons with which a job is cancelled that the node could not start.

Measured on 24.11: where the prolog fails, a job with ``--no-requeue`` is cancelled by root with reason
Prolog and exit code 1:0. Cancelled by its user while the prolog runs, it has the same reason and 0:0.
Not for FAILED: there 22.05 gives JobLaunchFailure to every script that a signal ended.
"""


def interpret(raw_state: str, reason: str = "", exit_code: int = 0) -> tuple[Phase, Outcome | None]:
    """Return our words for Slurm's ``raw_state``, which may go on as in ``CANCELLED by 1000``."""
    word = raw_state.split(maxsplit=1)[0] if raw_state.strip() else ""
    phase, outcome = STATES.get(word, (Phase.UNKNOWN, None))
    if phase is Phase.PENDING and reason in HELD_REASONS:
        return Phase.HELD, None
    if outcome is Outcome.CANCELLED and reason in LAUNCH_REASONS and exit_code == 1:
        return phase, Outcome.LAUNCH_FAILURE
    return phase, outcome
