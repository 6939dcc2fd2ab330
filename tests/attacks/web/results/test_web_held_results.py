"""Clocks beside the held result: whatever moves when a run has really ended tells when that was."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.queries.evaluations import shares
from portal.db.tables import Event, Submission
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.cancellation import Cost
from portal.domain.submissions.disclosure import Failures
from portal.services.submissions import cancellation
from scheduler.interface import Outcome, Phase, Token
from tests.support.worker.world import World, change_phase

STEP = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _held(world: World) -> None:
    change_phase(world, failures=Failures.SEALED, hold_results=True, time_step=300)


def _running(world: World) -> Token:
    """Return the run of a submission that is on its node."""
    world.run_until_sent("predict", max(1, len(world.attempts("predict"))))
    token = Token(world.attempts("predict")[-1].token)
    while any(job.token == token and job.phase is Phase.PENDING for job in world.scheduler.jobs):
        world.scheduler.advance()
    return token


def _places(world: World) -> int:
    with world.database.reading() as session:
        return sum(shares.running(session).values())


@pytest.mark.attack(66)
def test_a_run_whose_node_fails_is_seen_to_run(world: World) -> None:
    submission = world.submit()
    world.scheduler.end(_running(world), Outcome.NODE_FAILURE)
    world.run(5)

    assert len(world.attempts("predict")) == 2
    with world.database.reading() as session:
        states = [one.state for one in session.scalars(select(Event).order_by(Event.id))]
    assert states.count(EvaluationState.QUEUED) == 1
    assert not world.evaluation(submission).state.is_final


@pytest.mark.attack(66)
def test_the_place_of_a_run_is_free_at_the_step_only(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("score")
    world.run(10)

    assert world.evaluation(submission).state is EvaluationState.SCORING
    assert _places(world) == 1
    world.run(4, seconds=120)
    assert (world.evaluation(submission).state, _places(world)) == (EvaluationState.SCORED, 0)


@pytest.mark.attack(66)
def test_a_cancelled_run_ends_at_the_step(world: World) -> None:
    submission = world.submit()
    _running(world)
    world.run()
    with world.database.writing() as session:
        cancellation.cancel(
            session,
            actor=Actor(person_id=world.person),
            submission_id=submission,
            shown=Cost.COUNTS,
            now=world.clock(),
        )

    world.run(10)
    assert not world.evaluation(submission).state.is_final

    world.run(4, seconds=120)
    assert world.evaluation(submission).state is EvaluationState.CANCELLED
    with world.database.reading() as session:
        assert session.get_one(Submission, submission).counts
