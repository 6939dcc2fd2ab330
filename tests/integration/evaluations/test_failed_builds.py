"""What could not be built is not lost for ever: neither a team's file, nor what a challenge or the site needs."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from portal.db.tables import Image, Submission
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.services.evaluations.builds import AGAIN_AFTER
from scheduler.interface import Outcome, Token
from tests.support.worker.world import World, packed_code

E, F = EvaluationState, FailureReason


def counts(world: World, submission: str) -> bool:
    with world.database.reading() as session:
        return session.get_one(Submission, submission).counts


def builds(world: World) -> int:
    return [kind for kind, _ in world.node.ran].count("build")


@pytest.mark.parametrize(
    ("word", "reason", "is_counted"),
    [("node_unfit", F.INFRASTRUCTURE, False), ("build_failed", F.BUILD_FAILED, True)],
)
def test_the_same_file_is_built_anew_when_it_is_submitted_again(
    world: World, word: str, reason: FailureReason, *, is_counted: bool
) -> None:
    world.run(4)
    world.node.reason = word
    failed = world.submit()
    evaluation = world.run_until_final(failed)
    world.node.reason = ""
    before = builds(world)

    again = world.run_until_final(world.submit())

    assert (evaluation.state, evaluation.reason) == (E.FAILED, reason)
    assert counts(world, failed) is is_counted
    assert (again.state, builds(world)) == (E.SCORED, before + 1)


def test_what_the_site_needs_is_built_anew_by_itself(world: World) -> None:
    world.node.reason = "node_unfit"
    submission = world.submit()
    world.run(15)
    with world.database.reading() as session:
        states = {image.state for image in session.scalars(select(Image))}
    assert ImageState.READY not in states
    world.node.reason = ""

    world.run(3)
    assert world.evaluation(submission).state is E.WAITING
    world.clock.advance(AGAIN_AFTER.total_seconds())

    assert world.run_until_final(submission).state is E.SCORED


def test_code_waits_for_a_base_that_the_cluster_failed_to_build(world: World) -> None:
    submission = world.submit(content=packed_code("x"))
    world.node.reason = "node_unfit"
    world.run(15)
    world.node.reason = ""

    world.clock.advance(AGAIN_AFTER.total_seconds())

    assert world.run_until_final(submission).state is E.SCORED


def test_the_team_reads_what_apptainer_said_without_places_of_the_site(world: World) -> None:
    world.run(4)
    world.node.reason = "build_failed"
    world.node.apptainer_says = (
        "INFO: begun\nFATAL: While unpacking {scratch}/tmp/a/rootfs of {storage}/runs/1/2/source:"
        " bad layer at /usr/lib/x\n\n"
    )

    evaluation = world.run_until_final(world.submit())

    assert evaluation.reason is F.BUILD_FAILED
    assert evaluation.message == (
        "FATAL: While unpacking rootfs of source: bad layer at /usr/lib/x"
    )
    assert "INFO" not in evaluation.detail
    assert "bad layer" in evaluation.detail


def test_a_scorer_that_cannot_be_built_for_what_is_in_it_waits_for_its_organiser(
    world: World,
) -> None:
    world.node.reason = "build_failed"
    world.run(10)
    before = builds(world)

    for _ in range(3):
        world.clock.advance(AGAIN_AFTER.total_seconds() + timedelta(seconds=1).total_seconds())
        world.run(3)

    with world.database.reading() as session:
        archives = session.scalars(select(Image).where(Image.kind == ImageKind.ARCHIVE)).all()
    assert {image.state for image in archives} == {ImageState.FAILED}
    assert builds(world) == before


PAUSES = (timedelta(seconds=10), timedelta(minutes=2))


@pytest.mark.parametrize("kind", ["build", "predict"])
def test_between_two_tries_there_are_pauses_that_grow(world: World, kind: str) -> None:
    world.run_until_final(world.submit(content=packed_code("first")))
    world.context = replace(world.context, pauses=PAUSES)
    known = {attempt.token for attempt in world.attempts(kind)}
    submission = world.submit(content=packed_code("second") if kind == "build" else b"")
    sent: list[datetime] = []
    for _ in range(50):
        world.run(seconds=5)
        for attempt in world.attempts(kind):
            if attempt.token not in known and attempt.submitted_at is not None:
                known.add(attempt.token)
                sent.append(attempt.submitted_at)
                world.scheduler.end(Token(attempt.token), Outcome.NODE_FAILURE)

    waited = [later - earlier for earlier, later in pairwise(sent)]
    assert len(waited) == len(PAUSES)
    for pause, found in zip(PAUSES, waited, strict=True):
        # Its failure is seen a pass later.
        assert pause <= found <= pause + timedelta(seconds=15)
    evaluation = world.evaluation(submission)
    # Of a program that had started nobody can tell whether it made the nodes fail.
    reason = F.INFRASTRUCTURE if kind == "build" else F.UNFINISHED
    assert (evaluation.state, evaluation.reason) == (E.FAILED, reason)
    assert counts(world, submission) is (kind == "predict")
