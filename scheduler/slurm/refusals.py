"""Tell a clear refusal of sbatch from everything else.

Only sentences listed here count as "the cluster has no job". A sentence that is missing costs a
look-up of the token; a wrong one would cost a job that runs twice.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from scheduler.errors import SchedulerError
from scheduler.interface import Refused, Submitted

_FINAL = re.compile(r"^sbatch: error: Batch job submission failed: (?P<sentence>.+)$", re.MULTILINE)
# As a line of its own, after the program's name, whichever it is.
_DETAIL = re.compile(r"(?:^|\berror: )(?P<code>(?:QOS|Assoc|Max)[A-Za-z]+)$", re.MULTILINE)

MESSAGES = {
    "Invalid account or account/partition combination specified": "account",
    "User's group not permitted to use this partition": "partition",
    "Invalid partition name specified": "partition",
    "Required partition not available (inactive or drain)": "partition",
    "No partition specified or system default partition": "partition",
    "Invalid qos specification": "qos",
    "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)": "qos_limit",
    "Requested time limit is invalid (missing or exceeds some limit)": "resources",
    "Requested node configuration is not available": "resources",
    "More processors requested than permitted": "resources",
    "Memory required by task is not available": "resources",
    "Node count specification invalid": "resources",
    "CPU count specification invalid": "resources",
    "Invalid generic resource (gres) specification": "resources",
    "Invalid Trackable RESource (TRES) specification": "resources",
    "Invalid feature specification": "resources",
    "Pathname of a file, directory or other parameter too long": "invalid",
    "Access/permission denied": "account",
    "Invalid user id": "account",
}
"""What slurmctld answers to a request that it has turned down, and our code for it."""

# sbatch itself says these and exits before it talks to the controller.
_LOCAL = re.compile(
    r"^(?:sbatch: unrecognized option .+"
    r"|sbatch: error: Invalid --[a-z-]+ specification"
    r"|sbatch: error: Invalid numeric value .+ for .+"
    r"|sbatch: error: Invalid generic resource \(gres\) specification"
    r"|sbatch: error: This does not look like a batch script\..*"
    r"|sbatch: error: Batch script is empty!)$",
    re.MULTILINE,
)

_QUEUE_FULL = re.compile(r"Submit|JobsLimit")


def read_refusal(stderr: str) -> Refused | None:
    """Return the refusal in sbatch's standard error, or None where it is not a known one."""
    finals = _FINAL.findall(stderr)
    if not finals:
        return Refused(reason="invalid", message=stderr) if _LOCAL.search(stderr) else None
    reason = MESSAGES.get(finals[-1].strip())
    if len(finals) > 1 or reason is None:
        return None
    if reason == "qos_limit" and names_full_queue(stderr):
        reason = "queue_full"
    return Refused(reason=reason, message=stderr)


def names_full_queue(printed: str) -> bool:
    """Tell whether the limit that Slurm's library names is one on the jobs in the queue."""
    detail = _DETAIL.search(printed)
    return bool(detail and _QUEUE_FULL.search(detail["code"]))


def tell_full_queue(answer: Submitted, ask_whether_any_lives: Callable[[], bool]) -> Submitted:
    """Tell a full queue from a job that is too large, where Slurm has said only the sentence for both.

    While jobs of ours live, their number may be the reason, and the same request may be accepted
    later; once none does, it is the request itself.
    """
    if not isinstance(answer, Refused) or answer.reason != "qos_limit":
        return answer
    try:
        lives = ask_whether_any_lives()
    except SchedulerError:
        lives = True
    return replace(answer, reason="queue_full") if lives else answer
