"""What the portal itself cannot go on with: the others go on, staff sees why, and its team learns nothing by it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.bootstrap import operator
from portal.db.tables import AuditEntry, Evaluation, Event, Phase, Submission, Trouble
from portal.domain.attention.decisions import Choice
from portal.domain.audit import Action
from portal.domain.errors import OperatorError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.limits import SubmissionKind
from portal.services.attention import decisions
from portal.services.attention.troubles import PAUSES, Step
from portal.services.attention.views import Attention, listed
from portal.services.submissions.disclosure import DisclosedOutcome, disclose
from portal.worker.loop import run_pass
from scheduler.errors import UnreachableError
from tests.support.worker.eager import eager
from tests.support.worker.world import World, change_phase

E = EvaluationState
OPERATOR = operator()


@dataclass(frozen=True)
class BrokenFiles:
    """Cannot get the run directories of some jobs."""

    inner: Any
    error: Exception
    is_broken: Callable[[Path], bool]
    is_shared: bool = False

    def get(self, directory: Path, limits: Any) -> None:
        if self.is_broken(directory):
            raise self.error
        self.inner.get(directory, limits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _break(world: World, error: Exception, kind: str = "predict") -> None:
    def is_broken(directory: Path) -> bool:
        return directory.name in {attempt.token for attempt in world.attempts(kind)}

    files = BrokenFiles(world.context.cluster.files, error, is_broken)
    world.context = replace(world.context, cluster=replace(world.context.cluster, files=files))


def _settle(world: World, session: Session, wanted: str, choice: Choice) -> None:
    decisions.resolve_now(
        session, actor=OPERATOR, wanted=wanted, choice=choice, alike=False, now=world.clock()
    )


def _troubles(world: World) -> list[Trouble]:
    with world.database.reading() as session:
        return list(session.scalars(select(Trouble)))


def _seal(world: World, failures: Failures) -> None:
    with world.database.writing() as session:
        session.scalars(select(Phase)).one().failures = failures
    world.prove_scorer()
    world.approve()


def _told(world: World, submission: str) -> tuple[DisclosedOutcome, bool]:
    with world.database.reading() as session:
        row = session.scalars(
            select(Submission)
            .where(Submission.id == submission)
            .options(
                selectinload(Submission.phase),
                selectinload(Submission.evaluations).selectinload(Evaluation.result),
            )
        ).one()
        return disclose(row, row.evaluations[0], (), may_review=False), row.counts


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError("deep"), KeyError("gone")])
def test_a_defect_is_set_aside_at_once(world: World, error: Exception) -> None:
    _seal(world, Failures.SEALED)
    _break(world, error)
    submission = world.submit()
    world.run(20)

    [trouble] = _troubles(world)
    assert (trouble.step, trouble.tries, trouble.next_at) == (Step.COLLECT, 1, None)
    assert trouble.problem.startswith(type(error).__name__)
    assert "BrokenFiles" not in trouble.problem
    assert world.evaluation(submission).state is E.HELD


@pytest.mark.parametrize("kind", ["predict", "score"])
def test_what_has_read_data_looks_failed_and_counts(world: World, kind: str) -> None:
    _seal(world, Failures.SEALED)
    _break(world, ValueError("odd"), kind)
    submission = world.submit()
    world.run(25)

    told, counts = _told(world, submission)
    assert world.evaluation(submission).state is E.HELD
    assert (told.state, told.reason, told.message) == (E.FAILED, FailureReason.NO_RESULT, "")
    assert counts


def test_where_the_data_is_no_secret_it_is_with_staff_and_does_not_count(world: World) -> None:
    _break(world, ValueError("odd"))
    submission = world.submit()
    world.run(20)

    told, counts = _told(world, submission)
    assert (told.state, told.reason) == (E.HELD, FailureReason.INFRASTRUCTURE)
    assert not counts


def test_what_may_be_over_by_itself_is_tried_again_before(world: World) -> None:
    _break(world, OSError(28, "no space"))
    submission = world.submit()
    world.run(12)
    [trouble] = _troubles(world)
    assert trouble.next_at is not None

    _mend(world)
    world.run(2, seconds=60)

    assert world.run_until_final(submission).state is E.SCORED
    assert _troubles(world) == []


def test_it_is_set_aside_after_the_last_pause(world: World) -> None:
    _break(world, OSError(28, "no space"))
    submission = world.submit()
    world.run(10)
    for _ in range(len(PAUSES) + 2):
        world.run(1, seconds=PAUSES[-1].total_seconds())

    assert world.evaluation(submission).state is E.HELD


def test_a_cluster_that_does_not_answer_sets_nothing_aside(world: World) -> None:
    _break(world, UnreachableError("down"))
    submission = world.submit()
    world.run(10)
    world.run(10, seconds=60)

    assert world.evaluation(submission).state is E.RUNNING
    [trouble] = _troubles(world)
    assert trouble.next_at is not None


def _mend(world: World) -> None:
    files = world.context.cluster.files
    assert isinstance(files, BrokenFiles)
    world.context = replace(
        world.context, cluster=replace(world.context.cluster, files=files.inner)
    )


def _listed(world: World) -> list[Attention]:
    with world.database.reading() as session:
        return listed(session)


@pytest.mark.parametrize("kind", ["build", "predict", "score"])
def test_what_staff_let_be_tried_again_goes_on_from_where_it_was(world: World, kind: str) -> None:
    _seal(world, Failures.SEALED)
    _break(world, ValueError("odd"), kind)
    submission = world.submit()
    world.run(25)
    _mend(world)

    found = _listed(world)
    assert {one.problem.partition("\n")[0].rpartition("collect: ")[2] for one in found} == {
        "ValueError: odd"
    }
    with world.database.writing() as session:
        for one in found:
            _settle(world, session, one.id, Choice.RETRY)
    world.run(10)

    assert _listed(world) == []
    assert world.run_until_final(submission).state is E.SCORED
    assert world.run_until_final(world.submit()).state is E.SCORED
    ran = [one for one, _ in world.node.ran]
    assert ran.count("predict") == 2


@pytest.mark.parametrize("counts", [True, False])
def test_what_staff_give_up_has_failed_and_counts_as_they_say(
    world: World, *, counts: bool
) -> None:
    _seal(world, Failures.SEALED)
    _break(world, ValueError("odd"))
    submission = world.submit()
    world.run(20)
    before = _told(world, submission)[0]

    [one] = _listed(world)
    assert one.submission_id == submission
    with world.database.writing() as session:
        _settle(world, session, one.id, Choice.COUNT if counts else Choice.FREE)

    assert _told(world, submission) == (before, counts)
    assert world.evaluation(submission).state is E.FAILED
    assert _listed(world) == []
    with world.database.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.TROUBLE_GIVEN_UP)
        ).one()
    assert entry.subject_id == submission
    choice = Choice.COUNT if counts else Choice.FREE
    assert (entry.detail["choice"], entry.detail["problem"]) == (choice, "ValueError: odd")


def test_what_needs_no_attention_is_refused(world: World) -> None:
    with (
        world.database.writing() as session,
        pytest.raises(OperatorError, match="needs no attention"),
    ):
        _settle(world, session, "nothing", Choice.RETRY)


def test_a_profile_that_the_site_lost_stops_only_what_needs_it(world: World) -> None:
    needs_it = world.submit(SubmissionKind.CODE)
    other = world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n")
    resources = world.context.resources
    profiles = {name: one for name, one in resources.profiles.items() if name != "gpu-small"}
    world.context = replace(world.context, resources=replace(resources, profiles=profiles))

    assert world.run_until_final(other).state is E.SCORED
    world.run(5)

    held, counts = _told(world, needs_it)
    [trouble] = _troubles(world)
    assert (held.state, counts) == (E.HELD, False)
    assert (trouble.step, trouble.subject) == (Step.PLAN, world.evaluation(needs_it).id)
    assert "gpu-small" in trouble.problem


def test_a_step_that_fails_as_a_whole_keeps_no_other_from_being_taken(world: World) -> None:
    submission = world.submit()
    world.run_until_sent("predict")
    resources = replace(world.context.resources, build_profiles={})
    broken = replace(world.context, resources=resources)
    for _ in range(3):
        world.scheduler.advance()
        world.clock.advance(1)
        with pytest.raises(KeyError):
            run_pass(broken, eager())

    # Planning failed each time, and what had ended was ingested all the same.
    assert world.evaluation(submission).state is E.SCORING


@pytest.mark.attack(66)
@pytest.mark.parametrize("kind", ["predict", "score"])
def test_where_results_are_held_back_it_is_told_at_the_step(world: World, kind: str) -> None:
    change_phase(world, failures=Failures.SEALED, hold_results=True, time_step=300)
    world.prove_scorer()
    _break(world, ValueError("odd"), kind)
    submission = world.submit()
    world.run(25)

    [trouble] = _troubles(world)
    assert world.evaluation(submission).state is (E.RUNNING if kind == "predict" else E.SCORING)
    assert trouble.next_at is not None
    _assert_it_is_told_at_the_step(world, submission)


@pytest.mark.attack(66)
def test_what_cannot_be_scored_is_told_at_the_step_too(world: World) -> None:
    change_phase(world, failures=Failures.SEALED, hold_results=True, time_step=300)
    world.prove_scorer()
    submission = world.submit()
    world.run_until_sent("predict")
    resources = world.context.resources
    profiles = {name: one for name, one in resources.profiles.items() if name != "score"}
    world.context = replace(world.context, resources=replace(resources, profiles=profiles))
    world.run(10)

    [trouble] = _troubles(world)
    assert (trouble.step, world.evaluation(submission).state) == (Step.PLAN, E.SCORING)
    assert trouble.next_at is not None
    _assert_it_is_told_at_the_step(world, submission)


def _assert_it_is_told_at_the_step(world: World, submission: str) -> None:
    told, _ = _told(world, submission)
    assert told.state is E.RUNNING
    world.run(6, seconds=60)

    told, counts = _told(world, submission)
    [trouble] = _troubles(world)
    assert (world.evaluation(submission).state, trouble.next_at) == (E.HELD, None)
    assert (told.state, told.reason, counts) == (E.FAILED, FailureReason.NO_RESULT, True)
    with world.database.reading() as session:
        way = {one.state: one.at for one in session.scalars(select(Event).order_by(Event.id))}
    since = (way[E.HELD] - way[E.RUNNING]).total_seconds()
    assert 300 <= since < 361
