"""What needs a person: it is listed with its reason, and what is decided is done."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.db.tables import Decision, Evaluation, Heartbeat, Image, Phase, Submission, Trouble
from portal.domain.attention.decisions import Choice
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.ids import new_id
from portal.domain.submissions.disclosure import SPARED, Failures
from portal.domain.submissions.limits import SubmissionKind
from portal.services.attention.views import Attention, listed
from portal.services.evaluations.queue_position import why_it_waits
from portal.worker.heartbeat import Pulse
from portal.worker.loop import run_pass
from portal.worker.polling import Pace, PollSchedule
from scheduler.errors import UnreachableError
from tests.support.worker.pretended_node import good_scores
from tests.support.worker.world import World, packed_code

E, F = EvaluationState, FailureReason
RESULTS = b"id,digit\n1,7\n"


def _broken(_: Path) -> int:
    return 1


def _listed(world: World) -> list[Attention]:
    with world.database.reading() as session:
        return listed(session)


def _counts(world: World, submission: str) -> bool:
    with world.database.reading() as session:
        return session.get_one(Submission, submission).counts


def _decide(world: World, wanted: str, choice: Choice, *, alike: bool) -> None:
    with world.database.writing() as session:
        session.add(
            Decision(
                id=new_id(world.clock()), subject=wanted, choice=choice, alike=alike,
                made_at=world.clock(),
            )
        )  # fmt: skip


def _phase(world: World, failures: Failures, **values: Any) -> None:
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.failures = failures
        for name, value in values.items():
            setattr(phase, name, value)
    world.approve()


def _submit(world: World) -> str:
    return world.submit(SubmissionKind.RESULTS, RESULTS)


def test_what_a_broken_scorer_failed_is_listed_together_and_scored_once_it_is_mended(
    world: World,
) -> None:
    _phase(world, Failures.TYPED)
    world.node.score = _broken
    failed = [_submit(world) for _ in range(2)]
    assert [world.run_until_final(one).reason for one in failed] == [F.SCORER_FAILED] * 2

    [one] = _listed(world)
    assert (one.number, one.challenge_slug, one.submission_id) == (2, "digits", failed[0])
    assert one.problem.startswith("scorer_failed")
    world.node.score = good_scores
    _decide(world, one.id, Choice.RETRY, alike=True)
    world.run(15)

    assert [world.evaluation(one).state for one in failed] == [E.SCORED] * 2
    assert [_counts(world, one) for one in failed] == [True] * 2
    assert _listed(world) == []


def test_a_run_that_is_tried_again_predicts_no_second_time(world: World) -> None:
    _phase(world, Failures.TYPED)
    world.node.score = _broken
    submission = world.submit(content=packed_code())
    world.run_until_final(submission)
    world.node.score = good_scores
    [one] = _listed(world)

    _decide(world, one.id, Choice.RETRY, alike=False)
    world.run(2)

    assert world.run_until_final(submission).state is E.SCORED
    kinds = [kind for kind, _ in world.node.ran]
    assert (kinds.count("predict"), kinds.count("score")) == (1, 2)


def test_what_the_team_itself_failed_needs_nobody(world: World) -> None:
    world.node.predict = _broken
    _phase(world, Failures.TYPED)

    assert world.run_until_final(world.submit()).reason is F.EXIT_CODE
    assert _listed(world) == []


def test_a_decision_that_comes_too_late_changes_nothing(world: World) -> None:
    submission = _submit(world)
    world.run_until_final(submission)
    for wanted in ("nothing", world.evaluation(submission).id):
        _decide(world, wanted, Choice.RETRY, alike=True)

    world.run(2)

    with world.database.reading() as session:
        assert list(session.scalars(select(Decision))) == []
        assert list(session.scalars(select(Trouble))) == []
    assert world.evaluation(submission).state is E.SCORED


@pytest.mark.parametrize("failing", ["predict", "score"])
def test_while_a_scorer_never_gave_a_score_the_first_failures_count_for_nobody(
    world: World, failing: str
) -> None:
    """In a sealed phase they are shown alike, and count alike: which of them it was is not to be seen."""
    _phase(world, Failures.SEALED, per_day=None, total=None, running=None)
    if failing == "predict":
        world.node.predict = _broken
    else:
        world.node.score = _broken
    failed = [world.submit(content=packed_code(str(n))) for n in range(SPARED + 2)]
    for one in failed:
        assert world.run_until_final(one).state is E.FAILED

    assert [_counts(world, one) for one in failed] == [False] * SPARED + [True] * 2


def test_after_its_first_score_a_scorer_spares_nobody(world: World) -> None:
    _phase(world, Failures.SEALED)
    assert world.run_until_final(_submit(world)).state is E.SCORED
    world.node.score = _broken
    submission = _submit(world)

    assert world.run_until_final(submission).reason is F.SCORER_FAILED
    assert _counts(world, submission)
    [one] = _listed(world)
    assert one.submission_id == submission


def test_what_needs_a_scorer_that_cannot_be_built_waits_and_says_so(world: World) -> None:
    world.node.reason = "build_failed"
    submission = _submit(world)
    world.run(15)
    world.node.reason = ""

    assert world.evaluation(submission).state is E.WAITING
    with world.database.reading() as session:
        evaluation = session.scalars(
            select(Evaluation)
            .where(Evaluation.submission_id == submission)
            .options(joinedload(Evaluation.task), joinedload(Evaluation.submission))
        ).one()
        why = why_it_waits(session, evaluation, world.context.resources)
        images = {image.id: image.state for image in session.scalars(select(Image))}
    assert "waits for the scorer" in why
    found = _listed(world)
    assert {one.id for one in found} == set(images)
    assert {one.subject for one in found} == {
        "the image of the scorer",
        "the base image",
        "the image that probes nodes",
    }
    assert set(images.values()) == {ImageState.FAILED}

    for one in found:
        _decide(world, one.id, Choice.RETRY, alike=False)
    assert world.run_until_final(submission).state is E.SCORED
    assert _listed(world) == []


class SilentScheduler:
    """Answers nothing while it is silent."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.is_silent = inner, True

    def ping(self) -> Any:
        if self.is_silent:
            raise UnreachableError("no answer\0 within 10 s")
        return self.inner.ping()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_cluster_that_is_silent_is_seen_although_nothing_is_asked_of_it(world: World) -> None:
    cluster = world.context.cluster
    silent = SilentScheduler(cluster.scheduler)
    world.context = replace(world.context, cluster=replace(cluster, scheduler=silent))
    pulse, pacer = (
        Pulse(world.context),
        PollSchedule(Pace(), clock=lambda: world.clock().timestamp()),
    )

    def beat() -> tuple[bool, str]:
        world.clock.advance(120)
        run_pass(world.context, pacer)
        pulse.beat(pacer)
        with world.database.reading() as session:
            row = session.get_one(Heartbeat, cluster.name)
            assert (row.holder, row.seen_at) == (world.context.holder, world.clock())
            return row.answers, row.problem

    with world.database.writing() as session:
        for image in session.scalars(select(Image)):
            image.state = ImageState.FAILED
    assert beat() == (False, "no answer within 10 s")
    silent.is_silent = False
    assert beat() == (True, "")


@pytest.mark.parametrize("choice", [Choice.RETRY, Choice.COUNT])
def test_a_run_on_the_sample_counts_for_nothing_whatever_is_decided(
    world: World, choice: Choice
) -> None:
    submission = world.submit(smoke=True)
    world.run_until_sent("predict")
    world.node.reason = "node_unfit"
    assert world.run_until_final(submission).reason is F.INFRASTRUCTURE
    world.node.reason = ""
    [one] = _listed(world)

    _decide(world, one.id, choice, alike=False)
    world.run(15)

    assert world.evaluation(submission).state in {E.SCORED, E.FAILED}
    assert not _counts(world, submission)


def test_runs_on_the_sample_use_up_nothing_of_what_is_spared(world: World) -> None:
    _phase(world, Failures.SEALED, per_day=None, total=None, running=None)
    world.node.predict = _broken
    for number in range(SPARED):
        world.run_until_final(world.submit(content=packed_code(f"sample {number}"), smoke=True))

    failed = [world.submit(content=packed_code(str(n))) for n in range(SPARED + 1)]
    for one in failed:
        world.run_until_final(one)

    assert [_counts(world, one) for one in failed] == [False] * SPARED + [True]
