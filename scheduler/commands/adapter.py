"""The batch system through Slurm's own commands, over any transport."""

import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta

from scheduler.commands.complaints import Complaints, program_of
from scheduler.commands.controller import Controller, controller_argv, read_controller
from scheduler.commands.sacct import read_sacct, sacct_argv
from scheduler.commands.sbatch import read_sbatch, sbatch_argv
from scheduler.commands.scancel import read_scancel, scancel_argv
from scheduler.commands.squeue import read_squeue, squeue_argv
from scheduler.errors import SchedulerError, UnexpectedAnswerError, UnreachableError
from scheduler.interface import (
    Indeterminate,
    JobSpec,
    Pong,
    Snapshot,
    Submitted,
    Token,
)
from scheduler.snapshots import HISTORY, take_snapshot
from scheduler.transport import Finished, Transport


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SlurmCommands:
    """A ``Scheduler`` that runs sbatch, squeue, sacct, scancel and scontrol.

    ``timeout`` is for one command and should exceed the site's MessageTimeout. Jobs that ended longer
    than ``HISTORY`` ago are not found.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: timedelta = timedelta(seconds=60),
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._transport = transport
        self._timeout = timeout
        self._clock = clock
        self._controller: Controller | None = None
        self._complaints = Complaints(lambda name: self._run([name, "--version"]).stderr)

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        """Hand a job over; see ``Scheduler.submit``. Raises ``ValueError`` for an unusable ``spec``."""
        try:
            export = (self._controller or self._ask_controller()).export
            argv = sbatch_argv(spec, token, export=export)
            return read_sbatch(self._run(argv, stdin=spec.script.encode()))
        except SchedulerError as failure:
            return Indeterminate(message=f"{type(failure).__name__}: {failure}")

    def find(self, token: Token) -> Snapshot:
        """Ask the queue and accounting for ``token``; see ``Scheduler.find``."""
        return self._look({token}, ask_accounting_for_all=True)

    def snapshot(self, tokens: Iterable[Token]) -> Snapshot:
        """Ask for all ``tokens`` with one squeue and at most one sacct; see ``Scheduler.snapshot``."""
        return self._look(frozenset(tokens), ask_accounting_for_all=False)

    def cancel(self, token: Token) -> None:
        """Stop every job of ours named ``token``; see ``Scheduler.cancel``."""
        read_scancel(self._run(scancel_argv(token)))

    def ping(self) -> Pong:
        """Ask the controller for its configuration; see ``Scheduler.ping``."""
        begun = time.monotonic()
        try:
            controller = self._ask_controller()
        except UnexpectedAnswerError as odd:
            raise UnreachableError(str(odd)) from odd
        return Pong(
            version=controller.version,
            round_trip=timedelta(seconds=time.monotonic() - begun),
            message_timeout=controller.message_timeout,
        )

    def _look(self, tokens: Collection[Token], *, ask_accounting_for_all: bool) -> Snapshot:
        return take_snapshot(
            tokens,
            taken_at=self._clock(),
            ask_queue=lambda asked: read_squeue(self._ask(squeue_argv(asked)), asked),
            ask_accounting=lambda asked: read_sacct(self._ask(sacct_argv(asked, HISTORY)), asked),
            ask_accounting_for_all=ask_accounting_for_all,
        )

    def _ask(self, argv: list[str]) -> bytes:
        """Return the output of a query that worked without a complaint about the answer."""
        answer = self._run(argv)
        complaint = answer.stderr.decode(errors="replace").strip()
        if answer.returncode != 0:
            raise UnreachableError(complaint[:1000] or f"exit code {answer.returncode}")
        if serious := self._complaints.about_the_answer(program_of(argv), complaint):
            raise UnreachableError(serious[:1000])
        return answer.stdout

    def _ask_controller(self) -> Controller:
        self._controller = read_controller(self._ask(controller_argv()))
        return self._controller

    def _run(self, argv: list[str], *, stdin: bytes = b"") -> Finished:
        return self._transport.run(argv, stdin=stdin, timeout=self._timeout)
