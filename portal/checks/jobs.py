"""The jobs of a check: sent through the site's own adapter, watched, and always ended."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.domain.ids import new_token
from scheduler.errors import SchedulerError
from scheduler.interface import (
    Accepted,
    Indeterminate,
    JobReport,
    JobSpec,
    Outcome,
    Phase,
    Refused,
    Scheduler,
    Token,
)

_QUICKEST, _SLOWEST = 0.25, 5.0
_END_SECONDS = 120.0


@dataclass(slots=True, kw_only=True)
class Sent:
    """One job, and what became of it."""

    token: Token
    refused: str = ""
    """Slurm's own words, where it has no such job."""
    report: JobReport | None = None
    """The last that was said of it."""
    gave_up: bool = False
    """It was not over when patience was."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return bool(self.refused) or (self.report is not None and self.report.phase is Phase.ENDED)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        return self.report.outcome if self.report else None

    @property
    def story(self) -> str:
        """What became of it, for the operator."""
        if self.refused:
            return f"refused: {self.refused}"
        if self.report is None:
            return "nothing is known of it"
        told = f"{self.report.raw_state} {self.report.raw_reason}".strip()
        if self.gave_up:
            return f"still {told} when patience was over"
        code = self.report.exit_code
        return told + (f", exit code {code}" if code else "")


class Jobs:
    """All jobs of one check."""

    def __init__(self, scheduler: Scheduler, clock: Callable[[], datetime]) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._sent: list[Sent] = []

    def new_token(self) -> Token:
        """Return a token for a job to be sent."""
        return Token(new_token(self._clock()))

    def send(self, spec: JobSpec, token: Token) -> Sent:
        """Hand a job over."""
        sent = Sent(token=token)
        # Before anything is sent: if this is interrupted, the job is still ended.
        self._sent.append(sent)
        match self._scheduler.submit(spec, token):
            case Refused(message=message):
                sent.refused = message
            case Accepted() | Indeterminate():
                pass
        return sent

    def wait(self, jobs: Iterable[Sent], patience: timedelta) -> None:
        """Return when all of them are over, or patience is; those that are not are marked."""
        waiting = [job for job in jobs if not job.is_over]
        deadline, pause = time.monotonic() + patience.total_seconds(), _QUICKEST
        while waiting and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(_SLOWEST, pause * 1.1)
            self._look(waiting)
            waiting = [job for job in waiting if not job.is_over]
        for job in waiting:
            job.gave_up = True

    def end_all(self) -> list[Sent]:
        """Cancel what is not over and wait for its end; return the jobs that have not ended."""
        left = [job for job in self._sent if not job.is_over]
        deadline = time.monotonic() + _END_SECONDS
        asked: set[Token] = set()
        while left and time.monotonic() < deadline:
            for job in left:
                if job.token not in asked and self._cancelled(job.token):
                    asked.add(job.token)
            gone = self._look(left)
            left = [job for job in left if not job.is_over and job.token not in gone]
            if left:
                time.sleep(_QUICKEST)
        return left

    def _cancelled(self, token: Token) -> bool:
        try:
            self._scheduler.cancel(token)
        except SchedulerError:
            return False
        return True

    def _look(self, jobs: Iterable[Sent]) -> set[Token]:
        """Take in what the cluster says; return the tokens of which it clearly has no job."""
        tokens = {job.token: job for job in jobs}
        snapshot = self._scheduler.snapshot(tokens)
        for token, reports in snapshot.jobs.items():
            tokens[token].report = reports[0]
        return set(tokens) - set(snapshot.jobs) if snapshot.complete else set()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore further requests to stop while a check tidies up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
