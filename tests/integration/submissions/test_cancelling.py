"""Cancelling in every state: nothing goes on running, and what was shown is what it costs."""

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, Cancellation, Evaluation, Submission
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.domain.submissions.cancellation import MAX_FREE_CANCELLATIONS, Cost
from portal.services.evaluations import transitions
from portal.services.submissions import cancellation
from scheduler.interface import Phase, Token
from tests.support import factories
from tests.support.worker.world import World

S = EvaluationState


def cancel(world: World, submission: str, shown: Cost = Cost.NOTHING, who: str = "") -> None:
    with world.database.writing() as session:
        cancellation.cancel(
            session,
            actor=Actor(person_id=who or world.person),
            submission_id=submission,
            shown=shown,
            now=world.clock(),
        )


def counts(world: World, submission: str) -> bool:
    with world.database.reading() as session:
        return session.get_one(Submission, submission).counts


def run_to(world: World, submission: str, state: EvaluationState) -> None:
    for _ in range(60):
        if world.evaluation(submission).state is state:
            return
        world.run()
    raise AssertionError(f"never {state}")


def ran(world: World) -> list[str]:
    return [kind for kind, _ in world.node.ran]


def test_what_waits_ends_at_once_and_does_not_count(world: World) -> None:
    submission = world.submit()

    cancel(world, submission)

    assert world.evaluation(submission).state is S.CANCELLED
    assert not counts(world, submission)
    world.run(8)
    assert "predict" not in ran(world)


def test_while_its_image_is_built_it_ends_at_once_counts_and_the_image_is_kept(
    world: World,
) -> None:
    submission = world.submit()
    run_to(world, submission, S.BUILDING)

    cancel(world, submission, Cost.COUNTS)
    world.run(8)

    assert world.evaluation(submission).state is S.CANCELLED
    assert counts(world, submission)
    assert "predict" not in ran(world)
    assert world.run_until_final(world.submit()).state is S.SCORED


def test_what_was_built_before_costs_nothing(world: World) -> None:
    world.run_until_final(world.submit())
    second = world.submit()
    world.run()
    assert world.evaluation(second).state is S.QUEUED

    cancel(world, second)
    world.run(3)

    assert world.evaluation(second).state is S.CANCELLED
    assert not counts(world, second)


def test_an_image_that_two_wait_for_is_built_for_the_one_that_is_left(world: World) -> None:
    first, second = world.submit(), world.submit()

    cancel(world, first)

    assert world.run_until_final(second).state is S.SCORED
    assert not counts(world, first)


def test_an_image_that_nobody_waits_for_is_built_once_somebody_does(world: World) -> None:
    submission = world.submit()
    cancel(world, submission)
    world.run(8)
    built_before = len(world.attempts("build"))

    again = world.submit()

    assert world.run_until_final(again).state is S.SCORED
    assert len(world.attempts("build")) == built_before + 1


def test_what_is_free_is_free_only_some_times_a_day(world: World) -> None:
    for number in range(MAX_FREE_CANCELLATIONS):
        cancel(world, world.submit(content=b"PK%d" % number))
    one_more = world.submit()

    with pytest.raises(ParticipantError):
        cancel(world, one_more)
    cancel(world, one_more, Cost.COUNTS)
    world.clock.advance(86_400)
    tomorrow = world.submit()
    cancel(world, tomorrow)

    assert (counts(world, one_more), counts(world, tomorrow)) == (True, False)


def test_a_job_that_was_written_down_and_not_sent_never_is(world: World) -> None:
    submission = world.submit()
    run_to(world, submission, S.BUILDING)
    world.scheduler.loses_requests = False
    world.run_until_sent("predict")
    token = world.attempts("predict")[0].token
    world.scheduler.forget(Token(token))
    with world.database.writing() as session:
        session.get_one(type(world.attempts("predict")[0]), token).state = AttemptState.CREATED

    cancel(world, submission, Cost.COUNTS)
    world.run(3)

    assert world.evaluation(submission).state is S.CANCELLED
    assert world.attempts("predict")[0].state is AttemptState.COLLECTED
    assert [job.token for job in world.scheduler.jobs if job.token == token] == []


def test_a_queued_job_is_stopped_and_counts_where_its_image_was_made_for_it(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")

    cancel(world, submission, Cost.COUNTS)
    world.run(3)

    assert world.evaluation(submission).state is S.CANCELLED
    assert counts(world, submission)
    assert "predict" not in ran(world)


def test_a_running_job_is_stopped_and_counts(world: World) -> None:
    submission = world.submit()
    run_to(world, submission, S.RUNNING)

    cancel(world, submission, Cost.COUNTS)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is S.CANCELLED
    assert counts(world, submission)
    assert "score" not in ran(world)


def test_a_score_job_is_stopped_and_there_is_no_score(world: World) -> None:
    submission = world.submit()
    run_to(world, submission, S.SCORING)

    cancel(world, submission, Cost.COUNTS)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is S.CANCELLED
    assert counts(world, submission)


def test_it_is_stopped_as_soon_as_an_unclear_job_is_found(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    token = world.attempts("predict")[0].token
    with world.database.writing() as session:
        session.get_one(type(world.attempts("predict")[0]), token).state = AttemptState.SUBMITTING

    cancel(world, submission, Cost.COUNTS)
    evaluation = world.run_until_final(submission)

    assert evaluation.state is S.CANCELLED
    assert "predict" not in ran(world)


def test_an_unclear_job_that_never_was_ends_without_another_try(world: World) -> None:
    submission = world.submit()
    run_to(world, submission, S.BUILDING)
    world.run_until_sent("predict")
    token = world.attempts("predict")[0].token
    world.scheduler.forget(Token(token))
    with world.database.writing() as session:
        session.get_one(type(world.attempts("predict")[0]), token).state = AttemptState.SUBMITTING

    cancel(world, submission, Cost.COUNTS)
    world.run(4, seconds=20)

    assert world.evaluation(submission).state is S.CANCELLED
    assert len(world.attempts("predict")) == 1


def test_the_cluster_is_asked_again_until_it_answers(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    cancel(world, submission, Cost.COUNTS)
    world.scheduler.is_down = True
    world.run(3)
    still = world.evaluation(submission).state

    world.scheduler.is_down = False
    evaluation = world.run_until_final(submission)

    assert (still, evaluation.state) == (S.QUEUED, S.CANCELLED)
    assert "score" not in ran(world)


def test_a_held_one_ends_and_does_not_count(world: World) -> None:
    submission = world.submit()
    with world.database.writing() as session:
        evaluation = session.scalars(
            select(Evaluation).where(Evaluation.submission_id == submission)
        ).one()
        transitions.move(session, evaluation, S.HELD, now=world.clock())

    cancel(world, submission)

    assert world.evaluation(submission).state is S.CANCELLED
    assert not counts(world, submission)


def test_a_job_held_on_the_cluster_is_stopped_too(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    world.scheduler.put(Token(world.attempts("predict")[0].token), Phase.HELD)

    cancel(world, submission, Cost.COUNTS)

    assert world.run_until_final(submission).state is S.CANCELLED


def test_whoever_was_shown_that_it_is_free_is_asked_again_once_it_has_started(
    world: World,
) -> None:
    submission = world.submit()
    run_to(world, submission, S.RUNNING)

    with pytest.raises(ParticipantError, match="has started for it in the meantime"):
        cancel(world, submission, Cost.NOTHING)

    with world.database.reading() as session:
        assert session.scalars(select(Cancellation)).all() == []


def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    submission = world.submit()
    world.run_until_final(submission)

    with pytest.raises(ParticipantError, match="nothing to cancel"):
        cancel(world, submission)

    assert counts(world, submission)


def test_somebody_else_finds_nothing_to_cancel(world: World) -> None:
    submission = world.submit()
    with world.database.writing() as session:
        stranger = factories.add_person(session, "Eve").id

    with pytest.raises(NotFoundError):
        cancel(world, submission, who=stranger)

    assert world.run_until_final(submission).state is S.SCORED


def test_asking_twice_is_the_same_as_asking_once_and_each_is_written_down(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")

    cancel(world, submission, Cost.COUNTS)
    cancel(world, submission, Cost.COUNTS)

    assert world.run_until_final(submission).state is S.CANCELLED
    with world.database.reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.SUBMISSION_CANCELLED)
        ).all()
        assert [entry.detail for entry in entries] == [{"cost": "counts"}] * 2
