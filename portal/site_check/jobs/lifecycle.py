"""The jobs of a check: sent through the site's own adapter, watched, and always ended."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portal.domain.ids import new_token
from portal.site_check.deadlines import NEVER, Deadline
from portal.site_check.jobs.sent import Sent
from portal.site_check.progress import Progress
from scheduler.errors import SchedulerError
from scheduler.interface import Accepted, Indeterminate, JobSpec, Refused, Scheduler, Token

_QUICKEST, _SLOWEST = 0.25, 5.0
_END_SECONDS = 120.0


def _silent(_line: str) -> None:
    """Say nothing."""


class Jobs:
    """All jobs of one check."""

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Callable[[], datetime],
        *,
        deadline: Deadline = NEVER,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._deadline = deadline
        self._progress = Progress(say)
        self._sent: list[Sent] = []

    def new_token(self) -> Token:
        """Return a token for a job to be sent."""
        return Token(new_token(self._clock()))

    def send(self, spec: JobSpec, token: Token) -> Sent:
        """Hand a job over."""
        sent = Sent(
            token=token,
            name=spec.workdir.name,
            partition=spec.partition,
            begun=time.monotonic(),
        )
        if self._deadline.is_over:
            sent.unsent = self._deadline.description
            return sent
        # Before anything is sent: if this is interrupted, the job is still ended.
        self._sent.append(sent)
        match self._scheduler.submit(spec, token):
            case Refused(message=message):
                sent.refused = message
            case Accepted(ref=ref):
                sent.job_id = ref.job_id
            case Indeterminate(message=message):
                sent.problem = message
        self._progress.submitted(sent)
        return sent

    def wait(self, jobs: Iterable[Sent], job_timeout: timedelta) -> None:
        """Return when all of them are over, or ``job_timeout`` or the whole check's time is; mark what is not."""
        waiting = [job for job in jobs if not job.is_over]
        begun, pause = time.monotonic(), _QUICKEST
        until = begun + self._deadline.at_most(job_timeout).total_seconds()
        while waiting:
            self._look(waiting)
            waiting = [job for job in waiting if not job.is_over]
            now = time.monotonic()
            if now >= until:
                break
            self._progress.waiting(waiting, now - begun)
            if waiting:
                time.sleep(min(pause, until - now))
                pause = min(_SLOWEST, pause * 1.1)
        for job in waiting:
            job.gave_up, job.then = True, job.report
            job.waited = timedelta(seconds=round(time.monotonic() - job.begun))
            job.limit = "--time-limit" if self._deadline.is_over else "--job-timeout"

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
        """Apply what the cluster says; return the tokens of which it clearly has no job."""
        tokens = {job.token: job for job in jobs}
        snapshot = self._scheduler.snapshot(tokens)
        for token, reports in snapshot.jobs.items():
            tokens[token].report = reports[0]
            tokens[token].job_id = reports[0].ref.job_id
            self._progress.seen(tokens[token])
        unseen = set(tokens) - set(snapshot.jobs)
        for token in unseen:
            tokens[token].problem = snapshot.problem or "the cluster says that it has no such job"
        return unseen if snapshot.complete else set()


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
