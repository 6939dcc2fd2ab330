"""The jobs of a check end, whatever the cluster does."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from portal.site_check.deadlines import Deadline
from portal.site_check.jobs.lifecycle import Jobs
from portal.site_check.jobs.probe_jobs import observe
from portal.site_check.jobs.sent import Sent
from portal.site_check.target import Subject
from scheduler.files import SharedFiles
from scheduler.interface import JobSpec, Outcome, Phase, Refused, Submitted, Token
from scheduler.memory import MemoryScheduler
from tests.support.required import required

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

    assert (sent.is_over, sent.description) == (True, "refused: Invalid account")


def test_jobs_that_wait_when_patience_is_over_are_cancelled() -> None:
    scheduler = MemoryScheduler()
    jobs = jobs_on(scheduler)
    sent = send(jobs)

    jobs.wait([sent], AT_ONCE)
    left = jobs.end_all()

    assert (sent.gave_up, sent.limit, left) == (True, "--job-timeout", [])
    assert sent.description == "job 1 in partition gpu was still PENDING after 0s (--job-timeout)"
    assert [job.phase for job in scheduler.jobs] == [Phase.ENDED]


def test_jobs_that_wait_when_the_whole_check_has_to_be_over_are_cancelled() -> None:
    scheduler = MemoryScheduler()
    jobs = Jobs(
        scheduler, lambda: datetime.now(UTC), deadline=Deadline.begin(timedelta(seconds=0.3))
    )
    sent = send(jobs)

    jobs.wait([sent], timedelta(hours=1))
    description = sent.description
    late = send(jobs)
    left = jobs.end_all()

    assert description == "job 1 in partition gpu was still PENDING after 0s (--time-limit)"
    assert late.description == (
        "not sent: the time limit of the whole check, 0s, was over before (--time-limit)"
    )
    assert left == []
    assert [job.outcome for job in scheduler.jobs] == [Outcome.CANCELLED]


def test_a_cluster_that_never_answers_is_given_up_with_what_it_did_not_say() -> None:
    jobs = jobs_on(MemoryScheduler(is_down=True))
    sent = send(jobs)

    jobs.wait([sent], AT_ONCE)

    assert sent.description == (
        f"nothing was heard of job {sent.token} in partition gpu after 0s (--job-timeout): the cluster is down"
    )


def test_what_is_waited_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.site_check.progress.EVERY_SECONDS", 0.01)
    said: list[str] = []
    scheduler = MemoryScheduler()
    jobs = Jobs(scheduler, lambda: datetime.now(UTC), say=said.append)
    sent = [send(jobs), send(jobs)]

    jobs.wait(sent, timedelta(seconds=0.4))
    scheduler.put(sent[0].token, Phase.RUNNING)
    jobs.wait(sent[:1], AT_ONCE)
    jobs.wait(sent[:1], AT_ONCE)

    assert said[:2] == [
        "job 1 submitted in partition gpu: x",
        "job 2 submitted in partition gpu: x",
    ]
    assert "waiting for jobs 1, 2 in partition gpu: PENDING, 0 s" in said
    assert said[-1] == "job 1 started: x"


def test_a_refused_or_unanswered_submission_is_said() -> None:
    said: list[str] = []
    scheduler = MemoryScheduler(refuses_with=Refused(reason="account", message="Invalid account"))
    jobs = Jobs(scheduler, lambda: datetime.now(UTC), say=said.append)
    send(jobs)
    scheduler.is_down = True
    send(jobs)

    assert said == [
        "x in partition gpu was refused: Invalid account",
        "x in partition gpu was submitted, and not answered: the pretended cluster does not answer",
    ]


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
            subject, scheduler, SharedFiles(), with_time_limit=True, job_timeout=SOON, say=lambda _line: None
        )  # fmt: skip

    assert [job.phase for job in scheduler.jobs] == [Phase.ENDED] * 4
    assert list(subject.cluster.storage.iterdir()) == []


def test_a_check_whose_jobs_are_all_refused_says_so(subject: Subject) -> None:
    subject.cluster.storage.mkdir(mode=0o700)
    scheduler = MemoryScheduler(refuses_with=Refused(reason="qos", message="Invalid qos"))

    seen = observe(
        subject, scheduler, SharedFiles(), with_time_limit=True, job_timeout=SOON, say=lambda _line: None
    )  # fmt: skip

    assert (seen.built, seen.unended, seen.left) == (False, [], "")
    assert [one.look.description for one in seen.profiles] == ["refused: Invalid qos"] * 2
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
    monkeypatch.setattr("portal.site_check.jobs.lifecycle._END_SECONDS", 0.5)
    subject.cluster.storage.mkdir(mode=0o700)
    scheduler = Gone()
    said: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        observe(
            subject,
            scheduler,
            SharedFiles(),
            with_time_limit=True,
            job_timeout=SOON,
            say=said.append,
        )

    left = [line for line in said if line.startswith("left behind")]
    assert left == [f"left behind: job {token}" for token in scheduler.calls]


@pytest.mark.parametrize(
    ("nodes", "jobs", "elsewhere"), [(["n1"], 1, False), (["n2", "n1"], 2, False), (["n2"] * 3, 3, True)]
)  # fmt: skip
def test_what_was_left_is_looked_for_until_a_job_comes_to_the_same_node(
    subject: Subject,
    monkeypatch: pytest.MonkeyPatch,
    nodes: list[str],
    jobs: int,
    elsewhere: bool,
) -> None:
    # The build leaves no files, however long one waits.
    monkeypatch.setattr("portal.site_check.jobs.probe_jobs.LATE_SECONDS", 0.0)
    subject.cluster.storage.mkdir(mode=0o700)
    order = iter(nodes)

    def runner(spec: JobSpec, _token: Token) -> int:
        name = spec.workdir.name
        if name.startswith(("gpu-look", "gpu-find")):
            node = "n1" if name == "gpu-look" else next(order)
            Path(spec.workdir, "notes").write_text(f"node {node}\n", encoding="ascii")
        return 0

    scheduler = MemoryScheduler(runner=runner, advances_when_asked=True)
    only_gpu = replace(subject, profiles=subject.profiles[:1])

    [seen] = observe(
        only_gpu, scheduler, SharedFiles(), with_time_limit=False, job_timeout=SOON, say=lambda _line: None
    ).profiles  # fmt: skip

    names = [job.spec.workdir.name for job in scheduler.jobs]
    assert len([name for name in names if "find" in name]) == jobs
    assert seen.is_found_elsewhere is elsewhere
