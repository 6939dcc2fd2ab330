"""What the cluster says of a job is kept as it was said, and what needs a person is shown once."""

import pytest
from structlog.testing import capture_logs

from portal.domain.evaluations.states import AttemptState, EvaluationState
from scheduler.interface import Phase
from scheduler.memory import MemoryJob
from tests.support.worker.world import World


def running_job(world: World) -> MemoryJob:
    """Submit something and return its predict job, which runs."""
    world.submit()
    world.run_until_sent("predict")
    (attempt,) = world.attempts("predict")
    (job,) = (job for job in world.scheduler.jobs if job.token == attempt.token)
    return job


def events(logs, name: str) -> list[dict[str, object]]:
    return [log for log in logs if log["event"] == name]


def test_an_unknown_word_is_kept_and_told_once_and_changes_nothing(world: World) -> None:
    job = running_job(world)
    before = world.attempts("predict")[0].state
    job.phase, job.raw_state = Phase.UNKNOWN, "TELEPORTED"

    with capture_logs() as logs:
        world.run(3, seconds=3600)

    (attempt,) = world.attempts("predict")
    assert (attempt.state, attempt.raw_state) == (before, "TELEPORTED")
    assert attempt.absent_since is None
    (told,) = events(logs, "unknown_slurm_state")
    assert (told["log_level"], told["state"], told["token"]) == (
        "error",
        "TELEPORTED",
        attempt.token,
    )


def test_a_job_with_an_unknown_word_goes_on_when_the_word_has_gone(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    (job,) = (j for j in world.scheduler.jobs if j.token == world.attempts("predict")[0].token)
    job.phase, job.raw_state = Phase.UNKNOWN, "TELEPORTED"
    world.run(2)
    job.phase, job.raw_state = Phase.RUNNING, "RUNNING"

    assert world.run_until_final(submission).state is EvaluationState.SCORED


@pytest.mark.parametrize("state", ["SPECIAL_EXIT", "REQUEUE_HOLD"])
def test_a_held_job_waits_and_staff_are_told_once(world: World, state: str) -> None:
    job = running_job(world)
    job.phase, job.raw_state = Phase.HELD, state

    with capture_logs() as logs:
        world.run(3)

    (attempt,) = world.attempts("predict")
    assert (attempt.state, attempt.raw_state) == (AttemptState.QUEUED, state)
    (told,) = events(logs, "job_held_on_cluster")
    assert (told["log_level"], told["state"]) == ("warning", state)


def test_words_longer_than_the_columns_are_cut(world: World) -> None:
    job = running_job(world)
    job.phase, job.raw_state = Phase.UNKNOWN, "X" * 5000

    world.run(2)

    assert world.attempts("predict")[0].raw_state == "X" * 120
