"""What the operator reads while a check waits for its jobs."""

from collections.abc import Callable, Iterable

from portal.site_check.jobs.sent import Sent
from scheduler.interface import Phase, Token

EVERY_SECONDS = 15.0
"""How often it says what it still waits for."""


class Progress:
    """Says when a job is submitted, when it starts, and now and then what is waited for."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._started: set[Token] = set()
        self._rounds = 0

    def submitted(self, sent: Sent) -> None:
        """Say that a job was handed over, or what the cluster answered instead."""
        if sent.refused:
            self._say(f"{sent.name}{sent.place} was refused: {sent.refused}")
        elif sent.job_id:
            self._say(f"{sent.called} submitted{sent.place}: {sent.name}")
        else:
            self._say(f"{sent.name}{sent.place} was submitted, and not answered: {sent.problem}")

    def seen(self, sent: Sent) -> None:
        """Say once that a job runs."""
        report = sent.report
        if report is None or report.phase is not Phase.RUNNING or sent.token in self._started:
            return
        self._started.add(sent.token)
        self._say(
            f"{sent.called} started{f' on {report.nodes}' if report.nodes else ''}: {sent.name}"
        )

    def waiting(self, jobs: Iterable[Sent], seconds: float) -> None:
        """Say what is waited for, once in a while; jobs of one partition and state are one line."""
        rounds = int(seconds // EVERY_SECONDS)
        begins, self._rounds = rounds > self._rounds, rounds
        if not begins:
            return
        alike: dict[tuple[str, str], list[str]] = {}
        for job in jobs:
            alike.setdefault((job.place, job.state), []).append(job.job_id or job.token)
        for (place, state), numbers in alike.items():
            word = "job" if len(numbers) == 1 else "jobs"
            self._say(f"waiting for {word} {', '.join(numbers)}{place}: {state}, {seconds:.0f} s")
