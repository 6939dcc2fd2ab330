"""The batch system as the rest of the program sees it: contracts, no implementation.

One rule shapes everything here: **an unclear answer is never taken for a clear one**. A submission
that timed out may have created a job; a job that is missing from the queue may still run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NewType, Protocol

Token = NewType("Token", str)
"""Names one attempt for ever; it is the Slurm job name. Only ``[a-z0-9-]``, at most 60 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to run and with which resources. Plain values, so that it can be stored and compared."""

    script: str
    """The batch script, handed over on standard input; starts with ``#!`` and has no ``#SBATCH`` line."""
    workdir: PurePosixPath
    """Directory on the cluster in which the script starts; it exists."""
    stdout: PurePosixPath
    """Where standard output goes, taken literally. Its directory exists, else the job fails at once."""
    stderr: PurePosixPath
    """As ``stdout``, for standard error."""
    partition: str
    cpus: int
    memory_mib: int
    time_limit: timedelta
    """Wall-clock time; Slurm counts whole minutes, so it is rounded up."""
    account: str | None = None
    qos: str | None = None
    gres: str | None = None
    exclusive: bool = False
    """Whether no other job may be on its node, whoever's it is. A partition that forces sharing ignores it."""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """A job that the cluster has. Ids are reused, so the token is what identifies it."""

    cluster: str | None
    """Slurm's cluster name where the answer gave one."""
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The cluster has the job; it may be running already."""

    ref: JobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The cluster said no and has no job; the same request would be refused again.

    ``reason`` is a short code for metrics: ``account``, ``partition``, ``qos``, ``qos_limit``,
    ``resources``, ``invalid``; and ``queue_full``, the one that passes with time, when the account
    has as many jobs in the queue as it may. ``message`` is the cluster's own sentence, for the
    operator.
    """

    reason: str
    message: str

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may be accepted later."""
        return self.reason == "queue_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indeterminate:
    """Nobody knows whether the job exists. Look the token up before doing anything else."""

    message: str


Submitted = Accepted | Refused | Indeterminate


class Phase(StrEnum):
    """Where a job is, in our words."""

    PENDING = "pending"  #: accepted, waiting for a node
    RUNNING = "running"  #: running, suspended or being stopped
    FINISHING = "finishing"  #: the script has ended, Slurm still cleans up: files may change
    ENDED = "ended"  #: nothing of the job runs any more
    HELD = "held"  #: waits for a person
    UNKNOWN = "unknown"  #: a word that we do not know; conclude nothing


class Outcome(StrEnum):
    """How an ended job ended."""

    COMPLETED = "completed"  #: the script's exit code was 0
    FAILED = "failed"  #: another exit code, or a signal
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    NODE_FAILURE = "node_failure"
    BOOT_FAILURE = "boot_failure"
    PREEMPTED = "preempted"
    LAUNCH_FAILURE = "launch_failure"

    @property
    def is_infrastructure(self) -> bool:
        """Whether the cluster, not the job's own code, is the cause."""
        return self in _INFRASTRUCTURE


_INFRASTRUCTURE = frozenset(
    {
        Outcome.NODE_FAILURE,
        Outcome.BOOT_FAILURE,
        Outcome.PREEMPTED,
        Outcome.LAUNCH_FAILURE,
        Outcome.DEADLINE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What the cluster said of one job at one moment. Times are UTC; absent means not said."""

    token: Token
    ref: JobRef
    phase: Phase
    outcome: Outcome | None
    """Set exactly when ``phase`` is ``ENDED``."""
    raw_state: str
    """Slurm's own words, for staff."""
    raw_reason: str = ""
    exit_code: int | None = None
    """The script's exit code, where it ran to an end of its own."""
    signal: int | None = None
    """The signal that ended it, in Slurm's numbering: 125 is the memory limit, 53 a bad stdout path."""
    submitted_at: datetime | None = None
    expected_at: datetime | None = None
    """When the cluster expects a waiting job to start, where it says so. A forecast: it moves."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    nodes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the cluster said of several tokens in one round.

    A token without an entry in ``jobs`` was **not seen**. Only when ``complete`` does that mean that
    both the queue and the accounting answered and neither has it; otherwise it means nothing. A
    record in accounting that claims to live counts as not there when the queue has no such job.
    """

    complete: bool
    taken_at: datetime
    jobs: Mapping[Token, tuple[JobReport, ...]] = field(default_factory=dict)
    """Newest first; more than one where a token was submitted twice."""
    problem: str = ""
    """Why it is not complete, for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """The cluster answers."""

    version: str
    """Slurm's release, as ``24.11.5``."""
    round_trip: timedelta
    message_timeout: timedelta = timedelta(seconds=10)
    """Slurm's MessageTimeout: how long one of its programs waits before it reports a time-out."""


class Scheduler(Protocol):
    """Submit, find, watch and cancel batch jobs on one cluster."""

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        """Hand a job over under the name ``token``. Never raises for what the cluster does.

        ``Accepted``: the cluster has the job. ``Refused``: it has not, and asking again is pointless.
        ``Indeterminate``: it may have it; call ``find`` until that answers.
        The caller has written down ``token`` durably **before** the call. The environment of the
        caller does not reach the job. Raises ``ValueError``, before anything is sent, for a ``spec``
        or ``token`` that no cluster could take as it is meant.
        """

    def find(self, token: Token) -> Snapshot:
        """Look for jobs named ``token`` in the queue and in accounting, ended ones included.

        Never raises for what the cluster does: no answer gives an incomplete snapshot.
        """

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        """Report on all ``tokens`` with at most one queue and one accounting query.

        Accounting is asked only for tokens that the queue did not show. An empty question asks
        nothing and is complete. Never raises for what the cluster does.
        """

    def cancel(self, token: Token) -> None:
        """Ask for every job named ``token`` to stop. No such job, or an ended one, is no error.

        When this returns the request was taken; the job may run on for the cluster's kill wait.
        Raises ``UnreachableError`` when it is not known whether the request was taken.
        """

    def ping(self) -> Pong:
        """Ask for a sign of life. Raises ``UnreachableError``."""
