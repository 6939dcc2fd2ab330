"""The batch system through slurmrestd, Slurm's REST service."""

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from scheduler.checks import check_spec, check_token
from scheduler.errors import SchedulerError, UnexpectedAnswerError, UnreachableError
from scheduler.interface import (
    Indeterminate,
    JobReport,
    JobSpec,
    Pong,
    Snapshot,
    Submitted,
    Token,
)
from scheduler.slurm.refusals import tell_full_queue
from scheduler.slurmrestd.answer import NOT_FOUND, Answer
from scheduler.slurmrestd.client import NOTHING, Client
from scheduler.slurmrestd.control import read_cancellation, read_ping
from scheduler.slurmrestd.jobs import read_accounting, read_queue
from scheduler.slurmrestd.submit import read_submission, submission
from scheduler.slurmrestd.versions import Dialect, choose_dialect
from scheduler.snapshots import HISTORY, take_snapshot

_OFFER = "/openapi/v3"
_KEPT = timedelta(seconds=30)
"""How long a queue is believed to be the one of before, where slurmctld says that nothing has changed."""
# An address has at most 64 KiB.
_NAMES_AT_ONCE = 900


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Queue(NamedTuple):
    """A queue as it was read last."""

    taken_at: int
    """By slurmctld's clock."""
    until: float
    """By ours, of ``time.monotonic``: how long it may be believed."""
    reports: tuple[JobReport, ...]


class SlurmRest:
    """A ``Scheduler`` that asks slurmrestd, in the newest version of its API that both know.

    Jobs that ended longer than ``HISTORY`` ago are not found.
    """

    def __init__(
        self,
        client: Client,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._client = client
        self._clock = clock
        self._dialect: Dialect | None = None
        self._last: _Queue | None = None

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        """Hand a job over; see ``Scheduler.submit``. Raises ``ValueError`` for an unusable ``spec``."""
        check_spec(spec)
        check_token(token)
        try:
            dialect = self._speak()
            body = submission(dialect, spec, token)
            self._last = None
            answer = read_submission(self._ask("POST", dialect.submit, body=body))
        except SchedulerError as failure:
            return Indeterminate(message=f"{type(failure).__name__}: {failure}")
        # slurmrestd has one sentence for both.
        return tell_full_queue(answer, self._any_lives)

    def find(self, token: Token) -> Snapshot:
        """Ask the queue and accounting for ``token``; see ``Scheduler.find``."""
        return self._look({token}, ask_accounting_for_all=True)

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        """Ask for all ``tokens``; see ``Scheduler.snapshot``. Accounting is asked for 900 at a time."""
        return self._look(frozenset(tokens), ask_accounting_for_all=False)

    def cancel(self, token: Token) -> None:
        """Stop every job of ours named ``token``; see ``Scheduler.cancel``."""
        check_token(token)
        try:
            dialect = self._speak()
            for report in self._queue(dialect):
                if report.token == token and report.outcome is None:
                    read_cancellation(self._ask("DELETE", dialect.job(report.ref.job_id)))
        except UnexpectedAnswerError as odd:
            raise UnreachableError(str(odd)) from odd

    def ping(self) -> Pong:
        """Ask slurmrestd whether a controller responds; see ``Scheduler.ping``.

        slurmrestd does not tell MessageTimeout: Slurm's default is returned.
        """
        begun = time.monotonic()
        try:
            version = read_ping(self._ask("GET", self._speak().ping))
        except UnexpectedAnswerError as odd:
            raise UnreachableError(str(odd)) from odd
        return Pong(version=version, round_trip=timedelta(seconds=time.monotonic() - begun))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _look(self, tokens: Collection[Token], *, ask_accounting_for_all: bool) -> Snapshot:
        for token in tokens:
            check_token(token)
        return take_snapshot(
            tokens,
            taken_at=self._clock(),
            ask_queue=self._ask_queue,
            ask_accounting=self._ask_accounting,
            ask_accounting_for_all=ask_accounting_for_all,
        )

    def _ask_queue(self, tokens: Collection[Token]) -> list[JobReport]:
        return [report for report in self._queue(self._speak()) if report.token in tokens]

    def _ask_accounting(self, tokens: Collection[Token]) -> list[JobReport]:
        dialect = self._speak()
        minutes = int(HISTORY.total_seconds() // 60)
        query = {"start_time": f"now-{minutes}minutes", **dialect.accounting_filter}
        reports: list[JobReport] = []
        names = iter(sorted(tokens))
        while some := list(itertools.islice(names, _NAMES_AT_ONCE)):
            asked = query | {"job_name": ",".join(some)}
            answer = self._ask("GET", dialect.accounting, query=asked)
            reports += read_accounting(answer, some, self._client.user, dialect)
        return reports

    def _queue(self, dialect: Dialect) -> list[JobReport]:
        """Return all our jobs in the queue; slurmrestd does not select by name.

        A large queue takes it seconds to write, so that it is first asked whether anything has changed. After
        a submission of ours, and after a while, the queue is read anew whatever it would say.
        """
        last = self._last
        if last is not None and time.monotonic() < last.until:
            since = {"update_time": str(last.taken_at)}
            answer = self._ask("GET", dialect.queue, query=since)
            if answer.says_nothing_changed:
                return list(last.reports)
            if not answer.last_update:
                # Neither: what an empty list would mean here is not known.
                answer = self._ask("GET", dialect.queue)
        else:
            answer = self._ask("GET", dialect.queue)
        until = time.monotonic() + _KEPT.total_seconds()
        reports = read_queue(answer, self._client.user)
        taken_at = answer.last_update if dialect.is_parsed else 0
        self._last = _Queue(taken_at, until, tuple(reports)) if taken_at else None
        return reports

    def _any_lives(self) -> bool:
        return any(report.outcome is None for report in self._queue(self._speak()))

    def _speak(self) -> Dialect:
        if self._dialect is None:
            offer = self._client.ask("GET", _OFFER)
            self._dialect = choose_dialect(offer.document)
        return self._dialect

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = NOTHING,
        body: object = None,
    ) -> Answer:
        answer = self._client.ask(method, path, query=query, body=body)
        if answer.status == NOT_FOUND:
            # Another release may have taken its place, with other versions.
            self._dialect = None
        return answer
