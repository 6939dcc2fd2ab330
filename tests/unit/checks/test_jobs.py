"""The jobs of a check end, whatever the cluster does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from portal.checks.jobs import Jobs, Sent
from portal.checks.probe_jobs import observe
from portal.checks.subject import Subject
from scheduler.files import SharedFiles
from scheduler.interface import JobSpec, Phase, Refused, Submitted, Token
from scheduler.memory import MemoryScheduler
from tests.required import required

SPEC = JobSpec(
    script="#!/bin/sh\n",
    workdir=PurePosixPath("/x"),
    stdout=PurePosixPath("/x/out"),
    stderr=PurePosixPath("/x/err"),
    partition="gpu",
    cpus=1,
    memory_mib=128,
    time_limit=timedelta(minutes=1),
)
SOON = timedelta(seconds=5)
AT_ONCE = timedelta(0)


def jobs_on(scheduler: MemoryScheduler) -> Jobs:
    return Jobs(scheduler, lambda: datetime.now(UTC))


def send(jobs: Jobs) -> Sent:
    return jobs.send(SPEC, jobs.new_token())


def test_jobs_are_waited_for() -> None:
    jobs = jobs_on(MemoryScheduler(advances_when_asked=True))
    sent = [send(jobs), send(jobs)]

    jobs.wait(sent, SOON)

    assert [job.is_over for job in sent] == [True, True]
    assert [job.gave_up for job in sent] == [False, False]
    assert jobs.end_all() == []


def test_a_refused_job_is_over_and_says_why() -> None:
    refusal = Refused(reason="account", message="Invalid account")
    sent = send(jobs_on(MemoryScheduler(refuses_with=refusal)))

    assert (sent.is_over, sent.story) == (True, "refused: Invalid account")


def test_jobs_that_wait_when_patience_is_over_are_cancelled() -> None:
    scheduler = MemoryScheduler()
    jobs = jobs_on(scheduler)
    sent = send(jobs)

    jobs.wait([sent], AT_ONCE)
    left = jobs.end_all()

    assert (sent.gave_up, left) == (True, [])
    assert [job.phase for job in scheduler.jobs] == [Phase.ENDED]


def test_a_job_whose_submission_was_not_answered_is_cancelled_all_the_same() -> None:
    scheduler = MemoryScheduler(loses_replies=True)
    jobs = jobs_on(scheduler)
    send(jobs)
    scheduler.loses_replies = False

    assert jobs.end_all() == []
    assert [job.phase for job in scheduler.jobs] == [Phase.ENDED]


@dataclass(slots=True, kw_only=True)
class Interrupted(MemoryScheduler):
    """Somebody presses Ctrl-C while the fourth job is handed over: the cluster has it already."""

    calls: list[Token] = field(default_factory=list)

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        answer = MemoryScheduler.submit(self, spec, token)
        self.calls.append(token)
        if len(self.calls) == 4:
            raise KeyboardInterrupt
        return answer


def test_an_interrupted_check_ends_its_jobs_and_removes_its_files(subject: Subject) -> None:
    required("a static busybox", Path("/bin/busybox").exists())
    subject.cluster.storage.mkdir(mode=0o700)
    scheduler = Interrupted()

    with pytest.raises(KeyboardInterrupt):
        observe(
            subject, scheduler, SharedFiles(), with_time_limit=True, patience=SOON, say=lambda _line: None
        )  # fmt: skip

    assert [job.phase for job in scheduler.jobs] == [Phase.ENDED] * 4
    assert list(subject.cluster.storage.iterdir()) == []


def test_a_check_whose_jobs_are_all_refused_says_so(subject: Subject) -> None:
    subject.cluster.storage.mkdir(mode=0o700)
    scheduler = MemoryScheduler(refuses_with=Refused(reason="qos", message="Invalid qos"))

    seen = observe(
        subject, scheduler, SharedFiles(), with_time_limit=True, patience=SOON, say=lambda _line: None
    )  # fmt: skip

    assert (seen.built, seen.unended, seen.left) == (False, [], "")
    assert [one.look.story for one in seen.profiles] == ["refused: Invalid qos"] * 2
    assert list(subject.cluster.storage.iterdir()) == []


@dataclass(slots=True, kw_only=True)
class Gone(Interrupted):
    """From that moment on the cluster does not answer either."""

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        try:
            return Interrupted.submit(self, spec, token)
        except KeyboardInterrupt:
            self.is_down = True
            raise


def test_an_interrupted_check_that_cannot_end_its_jobs_says_which(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.checks.jobs._END_SECONDS", 0.5)
    subject.cluster.storage.mkdir(mode=0o700)
    scheduler = Gone()
    said: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        observe(
            subject, scheduler, SharedFiles(), with_time_limit=True, patience=SOON, say=said.append
        )

    assert said[1:] == [f"left behind: job {token}" for token in scheduler.calls]
