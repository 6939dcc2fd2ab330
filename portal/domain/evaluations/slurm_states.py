"""What Slurm's words for a job's state are for a team: a sentence, and what follows for its submission.

The words are those of the scheduler library's table, which knows nothing of teams; a test keeps the
two alike. What really follows is decided by ``verdicts.judge``, and a test compares that as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.evaluations import queue_reasons


class Consequence(StrEnum):
    """What the end of a job in this state means for the submission; the text is for the documents."""

    LIVES = "none yet"
    UNKNOWN = "none; staff look"
    JUDGED = "what it left decides"
    COUNTS = "counts"
    TRIED_AGAIN = (
        "does not count; tried again, up to three times unless `worker.pauses` says otherwise"
    )
    CANCELLED = "does not count; not tried again"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One of Slurm's words, for a team."""

    message: str
    consequence: Consequence = Consequence.LIVES


_C = Consequence
MEANINGS: Mapping[str, Meaning] = {
    "PENDING": Meaning("It waits in the cluster's queue."),
    "RUNNING": Meaning("It runs."),
    "SUSPENDED": Meaning("The cluster has paused it; it goes on later."),
    "COMPLETED": Meaning("It has ended; what it left is being checked.", _C.JUDGED),
    "FAILED": Meaning("It has ended; what it left is being checked.", _C.JUDGED),
    "TIMEOUT": Meaning("Its time was over.", _C.JUDGED),
    "OUT_OF_MEMORY": Meaning("It needed more memory than it has.", _C.COUNTS),
    "CANCELLED": Meaning("It was cancelled on the cluster.", _C.CANCELLED),
    "DEADLINE": Meaning("The cluster could not run it in time.", _C.TRIED_AGAIN),
    "NODE_FAIL": Meaning("Its node failed.", _C.TRIED_AGAIN),
    "BOOT_FAIL": Meaning("Its node did not start.", _C.TRIED_AGAIN),
    "PREEMPTED": Meaning("It had to make way for more urgent work.", _C.TRIED_AGAIN),
    "CONFIGURING": Meaning("Its node is being prepared."),
    "POWER_UP_NODE": Meaning("Its node is being switched on."),
    "EXPEDITING": Meaning("Its node failed; the cluster runs it again before all others."),
    "COMPLETING": Meaning("It has ended; the cluster still tidies up."),
    "STAGE_OUT": Meaning("It has ended; the cluster still copies files."),
    "REQUEUED": Meaning("The cluster has put it back into its queue."),
    "REQUEUE_FED": Meaning("The cluster has put it back into its queue."),
    "REQUEUE_HOLD": Meaning("The cluster has put it back and holds it; its staff have to act."),
    "SPECIAL_EXIT": Meaning("The cluster has put it back and holds it; its staff have to act."),
    "RESV_DEL_HOLD": Meaning("Its reservation is gone; the staff of the cluster have to act."),
    "LAUNCH_FAILED": Meaning("Its node could not start it.", _C.TRIED_AGAIN),
    "RECONFIG_FAIL": Meaning("Its node could not be prepared.", _C.TRIED_AGAIN),
    "RESIZING": Meaning("It runs; its resources are being changed."),
    "SIGNALING": Meaning("It runs; a signal is being sent to it."),
    "STOPPED": Meaning("The cluster has paused it; it goes on later."),
    "REVOKED": Meaning("Another cluster may have it; nothing is concluded.", _C.UNKNOWN),
    "UPDATE_DB": Meaning("The cluster updates its records; nothing is concluded.", _C.UNKNOWN),
}


def in_words(raw_state: str, raw_reason: str) -> str:
    """Return what a page says of a live job beside its own word for the state; empty if nothing.

    A word that is not in the table is shown as it is.
    """
    word = raw_state.partition(" ")[0]
    if word in {"", "PENDING"}:
        return queue_reasons.in_words(raw_reason)
    if word == "RUNNING":
        return ""
    if word in MEANINGS:
        return MEANINGS[word].message
    return (
        f"Slurm calls its state {word}, which this portal has no words for; the staff look into it."
    )
