from datetime import UTC, datetime

import pytest

from scheduler.errors import UnreachableError
from scheduler.interface import Accepted, Indeterminate, JobSpec, Outcome, Phase, Refused, Token
from scheduler.memory import MemoryScheduler

A1, B2 = Token("a1"), Token("b2")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def memory() -> MemoryScheduler:
    return MemoryScheduler(clock=lambda: NOW)


def phases(memory: MemoryScheduler, token: Token = A1) -> list[Phase]:
    return [report.phase for report in memory.find(token).jobs.get(token, ())]


def test_a_job_waits_runs_and_ends_by_steps(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)

    seen = []
    for _ in range(4):
        seen += phases(memory)
        memory.advance()

    assert seen == [Phase.PENDING, Phase.RUNNING, Phase.ENDED, Phase.ENDED]


def test_the_runner_does_the_work_and_decides_how_it_ends(spec: JobSpec) -> None:
    done = []

    def runner(job: JobSpec, token: Token) -> int:
        done.append((job, token))
        return 7 if token == B2 else 0

    memory = MemoryScheduler(runner=runner)
    memory.submit(spec, A1)
    memory.submit(spec, B2)
    memory.advance()
    memory.advance()

    jobs = memory.snapshot([A1, B2]).jobs
    assert done == [(spec, A1), (spec, B2)]
    assert [(jobs[token][0].outcome, jobs[token][0].exit_code) for token in (A1, B2)] == [
        (Outcome.COMPLETED, 0),
        (Outcome.FAILED, 7),
    ]


def test_it_can_advance_whenever_it_is_asked(spec: JobSpec) -> None:
    memory = MemoryScheduler(advances_when_asked=True)
    memory.submit(spec, A1)

    assert [phases(memory) for _ in range(2)] == [[Phase.RUNNING], [Phase.ENDED]]


def test_a_lost_reply_leaves_a_job(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.loses_replies = True

    assert isinstance(memory.submit(spec, A1), Indeterminate)
    assert phases(memory) == [Phase.PENDING]


def test_a_lost_request_leaves_none(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.loses_requests = True

    assert isinstance(memory.submit(spec, A1), Indeterminate)
    assert memory.find(A1).complete
    assert phases(memory) == []


def test_a_lost_cancellation_is_raised_and_done(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)
    memory.loses_replies = True

    with pytest.raises(UnreachableError):
        memory.cancel(A1)

    assert phases(memory) == [Phase.ENDED]


def test_a_cluster_that_is_down_says_nothing(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)
    memory.is_down = True

    assert isinstance(memory.submit(spec, B2), Indeterminate)
    assert (memory.find(A1).complete, phases(memory)) == (False, [])
    for ask in (lambda: memory.cancel(A1), memory.ping):
        with pytest.raises(UnreachableError):
            ask()

    memory.is_down = False
    assert (phases(memory), phases(memory, B2)) == ([Phase.PENDING], [])


def test_a_submission_can_be_doubled(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submits_twice = True
    memory.submit(spec, A1)

    assert [report.ref.job_id for report in memory.find(A1).jobs[A1]] == ["2", "1"]


def test_without_accounting_only_the_queue_is_seen(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)
    memory.submit(spec, B2)
    memory.end(B2, Outcome.TIME_LIMIT)
    memory.accounting_is_down = True

    both, living = memory.snapshot([A1, B2]), memory.snapshot([A1])

    assert (both.complete, set(both.jobs)) == (False, {A1})
    assert (living.complete, set(living.jobs)) == (True, {A1})


def test_a_refusal_can_be_chosen(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.refuses_with = Refused(reason="queue_full", message="too many jobs")

    assert memory.submit(spec, A1) == memory.refuses_with
    assert phases(memory) == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_job_can_end_in_every_way(
    memory: MemoryScheduler, spec: JobSpec, outcome: Outcome
) -> None:
    memory.submit(spec, A1)
    memory.end(A1, outcome)

    (report,) = memory.find(A1).jobs[A1]
    assert (report.phase, report.outcome) == (Phase.ENDED, outcome)


@pytest.mark.parametrize("phase", [Phase.FINISHING, Phase.HELD, Phase.UNKNOWN])
def test_a_job_can_be_put_in_every_phase(
    memory: MemoryScheduler, spec: JobSpec, phase: Phase
) -> None:
    memory.submit(spec, A1)
    memory.put(A1, phase)

    assert phases(memory) == [phase]


def test_a_job_can_be_forgotten(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)
    memory.forget(A1)

    assert (memory.find(A1).complete, phases(memory)) == (True, [])


def test_ids_are_not_used_again(memory: MemoryScheduler, spec: JobSpec) -> None:
    memory.submit(spec, A1)
    memory.forget(A1)

    answer = memory.submit(spec, B2)

    assert isinstance(answer, Accepted)
    assert answer.ref.job_id == "2"
