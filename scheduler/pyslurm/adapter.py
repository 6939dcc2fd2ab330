"""The batch system through pyslurm, in a process of its own.

For sites with Slurm 25.11 that installed the extra ``pyslurm``. Nothing here imports it.
"""

import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.checks import check_token
from scheduler.errors import SchedulerError, UnexpectedAnswerError, UnreachableError
from scheduler.interface import Indeterminate, JobReport, JobSpec, Pong, Snapshot, Submitted, Token
from scheduler.pyslurm.child import PyslurmChild
from scheduler.pyslurm.jobs import read_accounting, read_queue
from scheduler.pyslurm.submit import description, message_of, read_submission, refuse_unsendable
from scheduler.slurm.refusals import tell_full_queue
from scheduler.snapshots import HISTORY, take_snapshot


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SlurmPyslurm:
    """A ``Scheduler`` that asks Slurm's library through two child processes.

    ``child`` asks the controller. ``accounting`` has a process of its own: while slurmdbd does not
    answer, jobs are submitted, watched and cancelled all the same.
    ``timeout`` is for one question and should exceed the site's MessageTimeout. Jobs that ended longer
    than ``HISTORY`` ago are not found.
    """

    def __init__(
        self,
        child: PyslurmChild,
        accounting: PyslurmChild,
        *,
        timeout: timedelta = timedelta(seconds=60),
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._child = child
        self._accounting = accounting
        self._timeout = timeout
        self._clock = clock

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        """Hand a job over; see ``Scheduler.submit``. Raises ``ValueError`` for an unusable ``spec``."""
        job = description(spec, token)
        if refusal := refuse_unsendable(spec):
            return refusal
        try:
            answer = self._child.ask("submit", timeout=self._timeout, script=spec.script, job=job)
        except SchedulerError as failure:
            return Indeterminate(message=f"{type(failure).__name__}: {failure}")
        # Where the library has printed no word for the limit.
        return tell_full_queue(read_submission(answer), self._any_lives)

    def find(self, token: Token) -> Snapshot:
        """Ask the queue and accounting for ``token``; see ``Scheduler.find``."""
        return self._look({token}, ask_accounting_for_all=True)

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        """Ask the queue once and accounting at most once; see ``Scheduler.snapshot``."""
        return self._look(frozenset(tokens), ask_accounting_for_all=False)

    def cancel(self, token: Token) -> None:
        """Stop every job of ours named ``token``; see ``Scheduler.cancel``."""
        try:
            self._ask(self._child, "cancel", name=check_token(token))
        except UnexpectedAnswerError as odd:
            raise UnreachableError(str(odd)) from odd

    def ping(self) -> Pong:
        """Ask the controller for its configuration; see ``Scheduler.ping``."""
        begun = time.monotonic()
        try:
            config = self._ask(self._child, "config")
            version, seconds = str(config["version"]), int(config["message_timeout"] or 10)
        except (UnexpectedAnswerError, KeyError, TypeError, ValueError) as odd:
            raise UnreachableError(f"the controller's configuration is odd: {odd}") from odd
        return Pong(
            version=version,
            round_trip=timedelta(seconds=time.monotonic() - begun),
            message_timeout=timedelta(seconds=seconds),
        )

    def close(self) -> None:
        """End the child processes; the next question starts others."""
        self._child.close()
        self._accounting.close()

    def _any_lives(self) -> bool:
        return any(report.outcome is None for report in self._ask_queue(None))

    def _look(self, tokens: Collection[Token], *, ask_accounting_for_all: bool) -> Snapshot:
        taken_at = self._clock()
        since = int((taken_at - HISTORY).timestamp())
        return take_snapshot(
            tokens,
            taken_at=taken_at,
            ask_queue=lambda asked: self._ask_queue(_names(asked)),
            ask_accounting=lambda asked: self._ask_accounting(_names(asked), since),
            ask_accounting_for_all=ask_accounting_for_all,
        )

    def _ask_queue(self, names: list[str] | None) -> list[JobReport]:
        return read_queue(self._ask(self._child, "queue", names=names))

    def _ask_accounting(self, names: list[str], since: int) -> list[JobReport]:
        return read_accounting(self._ask(self._accounting, "accounting", names=names, since=since))

    def _ask(self, child: PyslurmChild, action: str, **details: object) -> Any:  # noqa: ANN401 - JSON
        """Return the result. Raises ``SchedulerError``, with what the library printed of it."""
        answer = child.ask(action, timeout=self._timeout, **details)
        if (error := answer.get("error")) is not None:
            raise UnreachableError(f"{message_of(error)} {answer['said']}".strip()[:1000])
        return answer["result"]


def _names(tokens: Collection[Token]) -> list[str]:
    return sorted(check_token(token) for token in tokens)
