"""Judging an ended attempt: from what the cluster said and what lies in its directory."""

from dataclasses import dataclass
from enum import StrEnum

from portal.domain.failures import FailureReason
from portal.domain.jobs import JobKind

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
    detail: str = ""


_BY_STOP_REASON = {
    "image_changed": FailureReason.IMAGE_CHANGED,
    "isolation_unavailable": FailureReason.ISOLATION_UNAVAILABLE,
    "build_failed": FailureReason.BUILD_FAILED,
    "unsigned": FailureReason.UNSIGNED,
    "environment": FailureReason.ENVIRONMENT,
    "image_too_large": FailureReason.IMAGE_TOO_LARGE,
    "time_limit": FailureReason.TIME_LIMIT,
    "image_start": FailureReason.IMAGE_START,
    "data_strange": FailureReason.PREPARATION,
}
_CLUSTER_AT_FAULT = frozenset(
    {"node_failure", "boot_failure", "preempted", "launch_failure", "deadline"}
)
_NODE_AT_FAULT = frozenset({"node_unfit", "left_behind", "claimed", "data_changed"})
# A controller that is killed before it saved a job's end takes the job for running until its time is over.
# The mark is the script's last act, and Slurm's signal ends the script without it.
_ENDED_WELL = frozenset({"completed", "time_limit"})
_OWN_LIMITS = {
    "time_limit": FailureReason.TIME_LIMIT,
    "memory_limit": FailureReason.MEMORY_LIMIT,
}


def judge(ended: Ended, kind: JobKind) -> Verdict:
    """Decide; whatever is not clearly a success or the team's own failure is the site's."""
    if ended.outcome == "cancelled":
        return _cancelled(ended)
    if blame := _cluster_at_fault(ended):
        return Verdict(kind=VerdictKind.TRY_AGAIN, detail=blame)
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
    return Verdict(kind=VerdictKind.TRY_AGAIN, detail="cancelled by the cluster at its launch")


def _cluster_at_fault(ended: Ended) -> str:
    if ended.outcome in _CLUSTER_AT_FAULT:
        return ended.outcome
    return ended.stop_reason if ended.stop_reason in _NODE_AT_FAULT else ""


def _is_clear(ended: Ended) -> bool:
    """Whether what is there already decides, whatever else may still appear."""
    return ended.outcome in _OWN_LIMITS or bool(ended.stop_reason) or ended.done


def _failure(ended: Ended, kind: JobKind) -> Verdict:
    if not ended.claimed:
        return Verdict(kind=VerdictKind.TRY_AGAIN, detail="the script never started")
    detail = f"{ended.outcome}, exit {ended.exit_code}, container exit {ended.container_exit}"
    if ended.stop_reason:
        detail = f"{ended.stop_reason}; {detail}"
    reason = _OWN_LIMITS.get(ended.outcome) or _BY_STOP_REASON.get(ended.stop_reason)
    if reason is None and not ended.done:
        # The script always ends with its marker: something else ended it.
        return Verdict(kind=VerdictKind.TRY_AGAIN, detail=f"no end marker; {detail}")
    reason = reason or FailureReason.EXIT_CODE
    if kind is JobKind.SCORE:
        reason = _as_scorer(reason, ended)
    elif kind is JobKind.BUILD:
        reason = _as_build(reason)
    return Verdict(kind=VerdictKind.FAILED, reason=reason, detail=detail)


def _as_scorer(reason: FailureReason, ended: Ended) -> FailureReason:
    """Only the scorer's own word makes the output the culprit."""
    if reason in {FailureReason.ISOLATION_UNAVAILABLE, FailureReason.IMAGE_CHANGED}:
        return reason
    if reason is FailureReason.EXIT_CODE and ended.container_exit == EX_DATAERR:
        return FailureReason.BAD_OUTPUT
    return FailureReason.SCORER_FAILED


def _as_build(reason: FailureReason) -> FailureReason:
    return FailureReason.BUILD_FAILED if reason is FailureReason.EXIT_CODE else reason
