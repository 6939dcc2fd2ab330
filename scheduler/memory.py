"""A scheduler that keeps its jobs in a dictionary, for tests and demonstrations.

It behaves as the contract says, and misbehaves on request as real clusters do.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from scheduler.checks import check_spec, check_token
from scheduler.errors import UnreachableError
from scheduler.interface import (
    Accepted,
    Indeterminate,
    JobRef,
    JobReport,
    JobSpec,
    Outcome,
    Phase,
    Pong,
    Refused,
    Snapshot,
    Submitted,
    Token,
)
from scheduler.reports import by_token

Runner = Callable[[JobSpec, Token], int]
"""Does the work of a job and returns the script's exit code."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


_CANCELLED = "CANCELLED by 0"
"""By somebody, as accounting has it; Slurm itself leaves the number out."""


@dataclass(slots=True, kw_only=True)
class MemoryJob:
    """A job as the pretended cluster holds it; tests may change it."""

    job_id: str
    token: Token
    spec: JobSpec
    submitted_at: datetime
    phase: Phase = Phase.PENDING
    outcome: Outcome | None = None
    raw_state: str = "PENDING"
    exit_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class MemoryScheduler:
    """A ``Scheduler`` without a cluster. The fields are levers and may be set at any time."""

    runner: Runner | None = None
    """Called when a job starts; without one every job succeeds."""
    clock: Callable[[], datetime] = _utc_now
    advances_when_asked: bool = False
    """Take every job one step further before each ``snapshot`` and ``find``."""
    partitions: Collection[str] | None = None
    accounts: Collection[str] | None = None
    """Where given, any other name is refused."""
    is_down: bool = False
    """Nothing is answered and nothing is taken."""
    loses_replies: bool = False
    """``submit`` and ``cancel`` do their work, but the answer does not come back."""
    loses_requests: bool = False
    """``submit`` and ``cancel`` do nothing, and no answer comes back either."""
    submits_twice: bool = False
    """Each submission makes two jobs, as a program that repeats a timed-out request would."""
    accounting_is_down: bool = False
    """The queue answers and accounting does not: ended jobs are not seen."""
    refuses_with: Refused | None = None
    jobs: list[MemoryJob] = field(default_factory=list)
    """Every job taken and not forgotten, oldest first."""
    _ids: Iterator[int] = field(default_factory=lambda: count(1), init=False, repr=False)

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        """See ``Scheduler.submit``."""
        check_spec(spec)
        check_token(token)
        if self.is_down or self.loses_requests:
            return Indeterminate(message="the pretended cluster does not answer")
        if refusal := self._refusal(spec):
            return refusal
        for _ in range(2 if self.submits_twice else 1):
            job = MemoryJob(
                job_id=str(next(self._ids)), token=token, spec=spec, submitted_at=self.clock()
            )
            self.jobs.append(job)
        if self.loses_replies:
            return Indeterminate(message="the answer got lost")
        return Accepted(ref=_ref(job))

    def find(self, token: Token) -> Snapshot:
        """See ``Scheduler.find``."""
        return self._look(frozenset({token}), needs_accounting=True)

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        """See ``Scheduler.snapshot``."""
        wanted = frozenset(tokens)
        if not wanted:
            return Snapshot(complete=True, taken_at=self.clock())
        return self._look(wanted, needs_accounting=False)

    def cancel(self, token: Token) -> None:
        """See ``Scheduler.cancel``."""
        if self.is_down or self.loses_requests:
            raise UnreachableError("the pretended cluster does not answer")
        for job in self._living(token):
            self._end(job, Outcome.CANCELLED, _CANCELLED)
        if self.loses_replies:
            raise UnreachableError("the answer got lost")

    def ping(self) -> Pong:
        """See ``Scheduler.ping``."""
        if self.is_down:
            raise UnreachableError("the pretended cluster does not answer")
        return Pong(version="0.0.0", round_trip=timedelta(0))

    def advance(self) -> None:
        """Take every living job one step: waiting, running, ended. A starting job's work is done."""
        for job in list(self.jobs):
            if job.phase is Phase.PENDING:
                self._start(job)
            elif job.phase in {Phase.RUNNING, Phase.FINISHING}:
                succeeded = job.exit_code == 0
                outcome = Outcome.COMPLETED if succeeded else Outcome.FAILED
                self._end(job, outcome, outcome.name)

    def end(self, token: Token, outcome: Outcome, *, exit_code: int | None = None) -> None:
        """End the living jobs of ``token`` in this way, whatever they were doing."""
        for job in self._living(token):
            job.exit_code = exit_code
            self._end(job, outcome, _CANCELLED if outcome is Outcome.CANCELLED else outcome.name)

    def put(self, token: Token, phase: Phase) -> None:
        """Set the phase of the living jobs of ``token``; not for ``ENDED``, which needs an outcome."""
        for job in self._living(token):
            job.phase = phase
            job.raw_state = phase.name

    def forget(self, token: Token) -> None:
        """Lose every trace of ``token``, as a controller does that lost its state."""
        self.jobs = [job for job in self.jobs if job.token != token]

    def _look(self, wanted: frozenset[Token], *, needs_accounting: bool) -> Snapshot:
        if self.is_down:
            return Snapshot(complete=False, taken_at=self.clock(), problem="the cluster is down")
        if self.advances_when_asked:
            self.advance()
        reports = [_report(job) for job in self.jobs if job.token in wanted]
        if self.accounting_is_down:
            reports = [report for report in reports if report.outcome is None]
        seen = {report.token for report in reports}
        is_complete = not self.accounting_is_down or (seen == wanted and not needs_accounting)
        return Snapshot(
            complete=is_complete,
            taken_at=self.clock(),
            jobs=by_token(reports),
            problem="" if is_complete else "accounting is down",
        )

    def _refusal(self, spec: JobSpec) -> Refused | None:
        if self.refuses_with:
            return self.refuses_with
        if self.partitions is not None and spec.partition not in self.partitions:
            return Refused(reason="partition", message="Invalid partition name specified")
        if self.accounts is not None and spec.account not in self.accounts:
            return Refused(reason="account", message="Invalid account specified")
        return None

    def _living(self, token: Token) -> list[MemoryJob]:
        return [job for job in self.jobs if job.token == token and job.phase is not Phase.ENDED]

    def _start(self, job: MemoryJob) -> None:
        job.phase, job.raw_state, job.started_at = Phase.RUNNING, "RUNNING", self.clock()
        job.exit_code = self.runner(job.spec, job.token) if self.runner else 0

    def _end(self, job: MemoryJob, outcome: Outcome, raw_state: str) -> None:
        job.phase, job.outcome, job.raw_state = Phase.ENDED, outcome, raw_state
        job.ended_at = self.clock()
        if outcome not in {Outcome.COMPLETED, Outcome.FAILED}:
            job.exit_code = None


def _ref(job: MemoryJob) -> JobRef:
    return JobRef(cluster="memory", job_id=job.job_id)


def _report(job: MemoryJob) -> JobReport:
    return JobReport(
        token=job.token,
        ref=_ref(job),
        phase=job.phase,
        outcome=job.outcome,
        raw_state=job.raw_state,
        exit_code=job.exit_code if job.phase is Phase.ENDED else None,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        nodes="memory" if job.started_at else "",
    )
