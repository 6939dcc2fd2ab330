"""Judging an ended attempt: from what the cluster said and what lies in its directory.

Before an image has started, what goes wrong is the site's unless it is clearly the submission's. Once it has
started, its program may have read private data, and then nothing that it can bring about may look like the
site's fault: that would be free of charge, would be tried again, and would be distinguished from other failures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import JobKind

EX_DATAERR = 65
"""The exit code with which a scorer says that the output, not the scorer, is at fault (sysexits)."""


class VerdictKind(StrEnum):
    """What to do with an ended attempt."""

    SUCCESS = "success"  #: ended well and left its marker; what it made is still to be checked
    FAILED = "failed"  #: another try would end alike
    TRY_AGAIN = "try_again"  #: the cluster's fault
    CANCELLED = "cancelled"
    WAIT = "wait"  #: files may still be on their way


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The facts. ``outcome`` is a word of ``scheduler.interface.Outcome``."""

    outcome: str
    exit_code: int | None
    placed: bool
    """Whether the cluster had chosen nodes for it."""
    claimed: bool
    started: bool
    """Whether the image was about to start, or did; never of a build or a measurement."""
    done: bool
    """Whether the marker with this attempt's token is there."""
    container_exit: int | None
    """None where nothing of the submission ran, as in a build."""
    stop_reason: str
    """The word that the script left when it stopped for a reason of its own."""
    settled: bool
    """Whether the site's lag has passed since the end, so that missing files are truly missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do and why; ``detail`` is for staff."""

    kind: VerdictKind
    reason: FailureReason | None = None
    """Of what is to be tried again: what it comes to when no tries are left."""
    detail: str = ""


F = FailureReason
BEFORE_START: Mapping[str, FailureReason | None] = {
    "claimed": None,
    "node_unfit": None,
    "left_behind": None,
    "data_changed": None,
    "image_changed": F.IMAGE_CHANGED,
    "isolation_unavailable": F.ISOLATION_UNAVAILABLE,
    "data_strange": F.PREPARATION,
    "build_failed": F.BUILD_FAILED,
    "unsigned": F.UNSIGNED,
    "environment": F.ENVIRONMENT,
    "image_too_large": F.IMAGE_TOO_LARGE,
    "image_start": F.UNFINISHED,
    "time_limit": None,
    "output_limit": None,
}
"""What the word means that a script left before an image had started; None: the site's, and tried again."""

AFTER_START: Mapping[str, FailureReason] = {
    **dict.fromkeys(BEFORE_START, F.UNFINISHED),
    "time_limit": F.TIME_LIMIT,
    "output_limit": F.OUTPUT_LIMIT,
    "image_start": F.IMAGE_START,
}
"""The same once it has: a program can fill disks, and leave what nobody can end or remove."""

_CLUSTER_AT_FAULT = frozenset(
    {"node_failure", "boot_failure", "preempted", "launch_failure", "deadline"}
)
# A controller that is killed before it saved a job's end takes the job for running until its time is over.
# The mark is the script's last act, and Slurm's signal ends the script without it.
_ENDED_WELL = frozenset({"completed", "time_limit"})
_PROGRAMS = frozenset({JobKind.PREDICT, JobKind.SCORE})
"""Jobs in which something runs that is not the portal's own."""
_OWN_LIMITS = {"time_limit": F.TIME_LIMIT, "memory_limit": F.MEMORY_LIMIT}


def judge(ended: Ended, kind: JobKind) -> Verdict:
    """Decide; before an image has started, whatever is not clearly the team's own failure is the site's."""
    if ended.outcome == "cancelled":
        return _cancelled(ended)
    if ended.outcome in _CLUSTER_AT_FAULT:
        return _try_again(ended, kind, ended.outcome)
    if ended.outcome in _ENDED_WELL and ended.done and not ended.container_exit:
        return Verdict(kind=VerdictKind.SUCCESS)
    if not ended.settled and not _is_clear(ended):
        return Verdict(kind=VerdictKind.WAIT)
    return _failure(ended, kind)


def _cancelled(ended: Ended) -> Verdict:
    """Tell what somebody wanted from what Slurm did: a job that has its nodes and never began was not launched.

    A controller that lost its state gives the number of a job that still runs to the next one; its node refuses
    that, and the controller cancels it. Where somebody here asked for the end, trying again heeds that.
    """
    if not ended.placed or ended.claimed:
        return Verdict(kind=VerdictKind.CANCELLED)
    if not ended.settled:
        return Verdict(kind=VerdictKind.WAIT)
    return Verdict(
        kind=VerdictKind.TRY_AGAIN,
        reason=F.INFRASTRUCTURE,
        detail="cancelled by the cluster at its launch",
    )


def cancelled_by_nobody(ended: Ended, kind: JobKind) -> Verdict:
    """Return the verdict on a run that Slurm itself cancelled, as a controller does with what it lost."""
    return _try_again(ended, kind, "cancelled by the cluster itself")


def _is_clear(ended: Ended) -> bool:
    """Whether what is there already decides, whatever else may still appear."""
    return ended.outcome in _OWN_LIMITS or bool(ended.stop_reason) or ended.done


def _failure(ended: Ended, kind: JobKind) -> Verdict:
    if not ended.claimed:
        return _try_again(ended, kind, "the script never started")
    detail = f"{ended.outcome}, exit {ended.exit_code}, container exit {ended.container_exit}"
    if ended.stop_reason:
        detail = f"{ended.stop_reason}; {detail}"
    reason = _reason(ended, kind)
    if reason is None:
        return _try_again(ended, kind, detail)
    return Verdict(kind=VerdictKind.FAILED, reason=_blame(reason, ended, kind), detail=detail)


def _reason(ended: Ended, kind: JobKind) -> FailureReason | None:
    """Return why it failed; None where it is to be tried again."""
    has_program = kind in _PROGRAMS
    if ended.outcome in _OWN_LIMITS:
        # A node that was too slow for the checks alone has not tried the program. What a build or a
        # measurement may use is the site's choice, and no fault of what is built.
        return _OWN_LIMITS[ended.outcome] if ended.started and has_program else None
    if ended.stop_reason:
        table = AFTER_START if ended.started else BEFORE_START
        return table[ended.stop_reason]
    # The script always ends with its marker: something else ended it.
    return F.EXIT_CODE if ended.done and has_program else None


def _try_again(ended: Ended, kind: JobKind, detail: str) -> Verdict:
    """Try it again. Where that ends, nobody can tell a node that failed from a program that made it fail."""
    reason = reason_without_tries(kind, started=ended.started)
    return Verdict(kind=VerdictKind.TRY_AGAIN, reason=reason, detail=detail)


def reason_without_tries(kind: JobKind, *, started: bool) -> FailureReason:
    """Return what a job comes to that the cluster has failed too often."""
    if not started or kind not in _PROGRAMS:
        return F.INFRASTRUCTURE
    return F.SCORER_FAILED if kind is JobKind.SCORE else F.UNFINISHED


def _blame(reason: FailureReason, ended: Ended, kind: JobKind) -> FailureReason:
    return _as_scorer(reason, ended) if kind is JobKind.SCORE else reason


def _as_scorer(reason: FailureReason, ended: Ended) -> FailureReason:
    """Only the scorer's own word makes the output the culprit."""
    if reason in {F.ISOLATION_UNAVAILABLE, F.IMAGE_CHANGED}:
        return reason
    if reason is F.EXIT_CODE and ended.container_exit == EX_DATAERR:
        return F.BAD_OUTPUT
    return F.SCORER_FAILED
