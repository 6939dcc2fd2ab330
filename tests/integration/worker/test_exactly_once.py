"""Unclear answers, dead workers and late duplicates: every job once, every score once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.services.evaluations import attempts as attempt_services
from portal.services.evaluations.builds import AGAIN_AFTER
from portal.worker.loop import run_pass
from portal.worker.prepare.run_directory import prepare
from scheduler.interface import Outcome, Refused, Token
from tests.support.worker.eager import eager
from tests.support.worker.world import World

GRACE = 30


def _sent_tokens(world: World, kind: str) -> list[str]:
    return [token for ran, token in world.node.ran if ran == kind]


def test_a_lost_reply_makes_no_second_job(world: World) -> None:
    world.scheduler.loses_replies = True

    evaluation = world.run_until_final(world.submit())

    assert evaluation.state is EvaluationState.SCORED
    assert len(_sent_tokens(world, "predict")) == 1
    assert len(world.attempts("predict")) == 1


def test_a_lost_request_is_sent_again_only_after_the_grace(world: World) -> None:
    world.scheduler.loses_requests = True
    submission = world.submit(content=b"")
    world.run(3, seconds=5)
    first = world.attempts("build")
    assert {attempt.state for attempt in first} == {AttemptState.INDETERMINATE}

    world.scheduler.loses_requests = False
    world.run(2, seconds=GRACE)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert len({token for _, token in world.node.ran}) == len(world.node.ran)


def test_silence_of_the_cluster_changes_nothing(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    before = world.attempts("predict")[0]
    world.scheduler.is_down = True

    world.run(5, seconds=3600)

    after = world.attempts("predict")[0]
    assert (after.state, after.absent_since) == (before.state, None)
    world.scheduler.is_down = False
    assert world.run_until_final(submission).state is EvaluationState.SCORED


def test_accounting_down_never_ends_a_job(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    world.scheduler.accounting_is_down = True

    world.run(5, seconds=3600)

    assert world.attempts("predict")[0].state in {AttemptState.QUEUED, AttemptState.RUNNING}
    world.scheduler.accounting_is_down = False
    assert world.run_until_final(submission).state is EvaluationState.SCORED


def test_a_worker_that_died_before_the_command_leaves_nothing_behind(world: World) -> None:
    """The mark is written, sbatch never ran: after the grace the claim is taken, then a new try."""
    submission = world.submit()
    world.run_until_sent("predict")
    token = _die_before_the_command(world)

    world.run(2, seconds=GRACE + 1)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert token not in {ran for _, ran in world.node.ran}


def test_a_worker_that_died_after_the_command_finds_its_job(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    token = world.attempts("predict")[0].token
    with world.database.writing() as session:
        attempt = attempt_services.lock_attempt(session, token)
        attempt.state = AttemptState.SUBMITTING
        attempt.cluster_job_id = None

    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert _sent_tokens(world, "predict") == [token]
    assert world.attempts("predict")[0].cluster_job_id is not None


def test_a_duplicate_that_comes_late_finds_the_claim_taken(world: World) -> None:
    """The reply was slow, not lost: the job starts after the portal gave up on it."""
    submission = world.submit()
    world.run_until_sent("predict")
    token = _die_before_the_command(world)
    spec = prepare(world.context, token)
    world.run(2, seconds=GRACE + 1)

    world.scheduler.submit(spec, Token(token))
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert token not in {ran for _, ran in world.node.ran}


def _start_and_forget(world: World, *, leaves_marker: bool) -> str:
    """Let a job begin, and the cluster lose every trace of it; return the submission."""
    submission = world.submit()
    world.run_until_sent("predict")
    world.node.leaves_marker = leaves_marker
    world.scheduler.advance()
    world.node.leaves_marker = True
    world.scheduler.forget(world.attempts("predict")[0].token)
    return submission


def test_a_job_that_ended_well_and_was_forgotten_is_taken_in(world: World) -> None:
    submission = _start_and_forget(world, leaves_marker=True)

    world.run(3, seconds=world.context.cluster.absence.total_seconds() + 1)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert [one.state for one in world.attempts("predict")] == [AttemptState.COLLECTED]


def test_a_job_that_started_and_was_forgotten_is_tried_again_when_its_time_is_over(
    world: World,
) -> None:
    limit = timedelta(hours=2)
    resources = world.context.resources
    long = replace(resources.profiles["gpu-small"], time_limit=limit)
    profiles = {**resources.profiles, "gpu-small": long}
    world.context = replace(world.context, resources=replace(resources, profiles=profiles))
    submission = _start_and_forget(world, leaves_marker=False)

    world.run(2, seconds=world.context.cluster.absence.total_seconds() + 1)
    meanwhile = [one.state for one in world.attempts("predict")]
    world.clock.advance(long.requested_time(resources.upload_limit).total_seconds())
    evaluation = world.run_until_final(submission)

    assert len(meanwhile) == 1
    assert AttemptState.LOST not in meanwhile
    assert evaluation.state is EvaluationState.SCORED
    assert [one.state for one in world.attempts("predict")] == [
        AttemptState.LOST,
        AttemptState.COLLECTED,
    ]


def test_a_forgotten_job_of_which_nobody_knows_how_long_it_may_run_goes_to_staff(
    world: World,
) -> None:
    submission = _start_and_forget(world, leaves_marker=False)
    resources = world.context.resources
    others = {name: one for name, one in resources.profiles.items() if name != "gpu-small"}
    world.context = replace(world.context, resources=replace(resources, profiles=others))

    world.run(3, seconds=3600)

    evaluation = world.evaluation(submission)
    assert (evaluation.state, evaluation.reason) == (EvaluationState.HELD, FailureReason.LOST)


def test_a_job_that_never_started_and_was_forgotten_is_tried_again(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    world.scheduler.forget(world.attempts("predict")[0].token)
    world.run(3, seconds=3600)

    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert [a.state for a in world.attempts("predict")] == [
        AttemptState.LOST,
        AttemptState.COLLECTED,
    ]


def test_a_job_submitted_twice_runs_once(world: World) -> None:
    world.scheduler.submits_twice = True

    evaluation = world.run_until_final(world.submit())

    assert evaluation.state is EvaluationState.SCORED
    tokens = [token for _, token in world.node.ran]
    assert len(tokens) == len(set(tokens))


def test_a_missing_marker_is_waited_for_and_then_tried_again(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    world.node.leaves_marker = False
    world.scheduler.advance()
    world.scheduler.advance()
    world.node.leaves_marker = True

    run_pass(world.context, eager())
    assert world.attempts("predict")[0].state is AttemptState.ENDED
    world.clock.advance(60)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert len(world.attempts("predict")) == 2


def test_a_refusal_is_final_and_the_sites_fault(world: World) -> None:
    world.run_until_final(world.submit())
    world.scheduler.refuses_with = Refused(reason="account", message="Invalid account")

    evaluation = world.run_until_final(world.submit())

    assert evaluation.reason is FailureReason.REFUSED


def test_what_the_site_needs_waits_while_it_is_refused(world: World) -> None:
    submission = world.submit()
    world.scheduler.refuses_with = Refused(reason="account", message="Invalid account")
    world.run(10)
    assert not world.evaluation(submission).state.is_final

    world.scheduler.refuses_with = None
    world.clock.advance(AGAIN_AFTER.total_seconds())

    assert world.run_until_final(submission).state is EvaluationState.SCORED


def test_a_full_queue_is_waited_for_and_costs_no_try(world: World) -> None:
    submission = world.submit()
    world.scheduler.refuses_with = Refused(reason="queue_full", message="QOSMaxSubmitJobPerUser")
    world.run(5)
    assert {attempt.state for attempt in world.attempts("build")} == {AttemptState.CREATED}

    world.scheduler.refuses_with = None
    evaluation = world.run_until_final(submission)

    assert evaluation.state is EvaluationState.SCORED
    assert [attempt.number for attempt in world.attempts("predict")] == [1]


@pytest.mark.parametrize("times", [1, 3])
def test_collecting_twice_writes_once(world: World, times: int) -> None:
    evaluation = world.run_until_final(world.submit())

    world.run(times)

    assert world.evaluation(evaluation.submission_id).updated_at == evaluation.updated_at


def _die_before_the_command(world: World) -> str:
    """Bring one attempt into the state in which a killed worker leaves it; return its token."""
    with world.database.writing() as session:
        attempt = attempt_services.lock_attempt(session, world.attempts("predict")[-1].token)
        attempt.state = AttemptState.SUBMITTING
    world.scheduler.forget(attempt.token)
    assert not list(Path(world.context.cluster.storage).glob(f"runs/*/{attempt.token}/claim"))
    return attempt.token


def test_a_job_that_slurm_starts_again_after_its_failure_loses_the_claim(world: World) -> None:
    """Measured on 24.11: what did not reach its node is queued again under the same number."""
    submission = world.submit()
    world.run_until_sent("predict")
    first = world.attempts("predict")[0]
    again = prepare(world.context, first.token)
    world.scheduler.end(first.token, Outcome.NODE_FAILURE)
    world.run_until_sent("predict", 2)

    assert world.node(again, Token(first.token)) == 75
    assert world.run_until_final(submission).state is EvaluationState.SCORED
    assert [one.state for one in world.attempts("predict")] == [AttemptState.COLLECTED] * 2


@pytest.mark.parametrize(
    ("who", "state"),
    [("", EvaluationState.SCORED), (" by 0", EvaluationState.CANCELLED)],
    ids=["slurm", "root"],
)
def test_what_slurm_cancelled_itself_is_tried_again_and_what_somebody_did_is_not(
    world: World, who: str, state: EvaluationState
) -> None:
    """Measured on 24.11: a controller that lost the start of a job starts it again, and ends both."""
    submission = world.submit()
    world.run_until_sent("predict")
    token = Token(world.attempts("predict")[0].token)
    world.node.leaves_marker = False
    world.scheduler.advance()
    world.node.leaves_marker = True
    world.scheduler.end(token, Outcome.CANCELLED)
    for job in world.scheduler.jobs:
        if job.token == token:
            job.raw_state = f"CANCELLED{who}"

    assert world.run_until_final(submission).state is state
