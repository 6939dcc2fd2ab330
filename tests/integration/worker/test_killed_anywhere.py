"""A worker is killed at every point there is, one after the other; the next one ends what it began."""

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, select

from portal import bootstrap
from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    Base,
    Cancellation,
    Evaluation,
    Event,
    Image,
    Job,
    Result,
    Standing,
)
from portal.domain.states import AttemptState, EvaluationState, ImageState
from portal.domain.submissions import SubmissionKind
from portal.worker.file_work import AtOnce
from portal.worker.loop import run_pass
from portal.worker.resolve import UNCLEAR
from tests.integration.worker.hurried import hurried
from tests.support.worker.eager import eager
from tests.support.worker.points import WatchedDatabase, WatchedScheduler, watched_files
from tests.support.worker.world import Clock, World, make_world

__all__ = ["hurried"]

STEP = 15
"""Seconds between passes: an unclear submission is given up after 30."""
MOST_PASSES = 40
NEVER = 10**9
COURSES = [
    ("waiting", "building", "queued", "running", "scoring", "scored"),
    ("waiting", "scoring", "scored"),
]
SCORES = {"accuracy": 0.91239, "loss": 0.25}
JOBS = 7
"""Builds of probe, scorer, base and code; one prediction and two scores."""
EFFECTS = ("before commit", "before submit", "before cancel", "open", "os.")
"""Killed between two of them, a worker leaves the world as if killed just before the second."""


class Killed(BaseException):
    """The worker is no more."""


@dataclass
class Fate:
    """Kills before an effect. What is dead does nothing more, not even tidy up."""

    deadly: int
    effects: tuple[str, ...] = EFFECTS
    reached: int = 0
    last: str = ""

    @property
    def has_struck(self) -> bool:
        return self.reached >= self.deadly

    def __call__(self, place: str) -> None:
        if not self.has_struck and place.startswith(self.effects):
            self.reached += 1
            self.last = place
        if self.has_struck:
            raise Killed


def test_killed_anywhere_the_next_worker_ends_what_it_began(
    hurried: Database, tmp_path: Path
) -> None:
    fate = Fate(deadly=0)
    while fate.has_struck:
        fate = Fate(deadly=fate.deadly + 1)
        world = _new_world(hurried, tmp_path)
        submissions = _hand_in_all(world)

        with suppress(Killed):
            _live(world, submissions, fate)
        _live(world, submissions, Fate(deadly=NEVER))

        _check(world, submissions, f"killed at {fate.reached}: {fate.last}")


def test_killed_anywhere_what_somebody_cancelled_ends_cancelled(
    hurried: Database, tmp_path: Path
) -> None:
    fate = Fate(deadly=0)
    while fate.has_struck:
        fate = Fate(deadly=fate.deadly + 1)
        world = _new_world(hurried, tmp_path)
        submission = world.hand_in(SubmissionKind.CODE)
        _wish_to_cancel(world, submission)

        with suppress(Killed):
            _live(world, [submission], fate)
        _live(world, [submission], Fate(deadly=NEVER))

        where = f"killed at {fate.reached}: {fate.last}"
        assert world.evaluation(submission).state is EvaluationState.CANCELLED, where
        assert _count(world, Attempt.state.not_in(CLOSED)) == 0, where
        assert _count(world, Job.is_open) == 0, where
        assert "score" not in {kind for kind, _ in world.node.ran}, where


def _wish_to_cancel(world: World, submission: str) -> None:
    """Write the wish alone: it reaches the worker while the job is on its way."""
    with world.database.writing() as session:
        session.add(
            Cancellation(
                evaluation_id=world.evaluation(submission).id,
                asked_by=world.person,
                asked_at=world.clock(),
                counts=False,
            )
        )


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(Fate(1, ("before submit",)), id="never sent: an image"),
        pytest.param(Fate(JOBS, ("before submit",)), id="never sent: the last score"),
        pytest.param(Fate(1, ("after submit",)), id="sent and not recorded: an image"),
        pytest.param(Fate(JOBS, ("after submit",)), id="sent and not recorded: the last score"),
    ],
)
def test_killed_again_anywhere_while_looking_up_what_was_unclear(
    hurried: Database, tmp_path: Path, first: Fate
) -> None:
    second, is_unclear = Fate(deadly=0), True
    while second.has_struck and is_unclear:
        second = Fate(deadly=second.deadly + 1)
        world = _new_world(hurried, tmp_path)
        submissions = _hand_in_all(world)

        for fate in (replace(first), second):
            with suppress(Killed):
                _live(world, submissions, fate)
        is_unclear = bool(_count(world, Attempt.state.in_(UNCLEAR)))
        _live(world, submissions, Fate(deadly=NEVER))

        _check(world, submissions, f"killed again at {second.reached}: {second.last}")
    assert second.deadly > 1


def _new_world(database: Database, folder: Path) -> World:
    shutil.rmtree(folder / "world", ignore_errors=True)
    with database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return make_world(database, folder / "world", Clock())


def _hand_in_all(world: World) -> list[str]:
    return [
        world.hand_in(SubmissionKind.CODE),
        world.hand_in(SubmissionKind.RESULTS, b"id,digit\n1,7\n"),
    ]


def _live(world: World, submissions: list[str], fate: Fate) -> None:
    """Start a worker and let it work until all is done, or until fate strikes."""
    watched = replace(world.site, database=WatchedDatabase(world.database.engine, fate))
    storage = world.context.cluster.storage
    with watched_files(storage, fate):
        context = bootstrap.worker_contexts(watched)[0]
    scheduler = WatchedScheduler(world.scheduler, fate)
    context = replace(
        context,
        cluster=replace(context.cluster, scheduler=scheduler),
        file_work=AtOnce(),
    )
    for _ in range(MOST_PASSES):
        with watched_files(storage, fate):
            run_pass(context, eager())
        if all(world.evaluation(one).state.is_final for one in submissions):
            return
        world.scheduler.advance()
        world.clock.advance(STEP)
    raise AssertionError(f"not settled after {MOST_PASSES} passes; last point {fate.last}")


def _check(world: World, submissions: list[str], where: str) -> None:
    """Assert that all is as if no worker had ever been killed."""
    with world.database.reading() as session:
        evaluations = session.scalars(select(Evaluation).order_by(Evaluation.id)).all()
        steps = session.scalars(select(Event).order_by(Event.id)).all()
        results = session.scalars(select(Result)).all()
        standings = session.scalars(select(Standing)).all()
        images = set(session.scalars(select(Image.state)))
    courses = [
        tuple(step.state.value for step in steps if step.evaluation_id == one.id)
        for one in evaluations
    ]
    assert [one.submission_id for one in evaluations] == submissions, where
    assert courses == COURSES, where
    assert [result.scores for result in results] == [SCORES] * 2, where
    assert [one.scores for one in standings] == [{"accuracy": 0.912, "loss": 0.25}], where
    assert images == {ImageState.READY}, where
    assert _count(world, Attempt.state.not_in(CLOSED)) == 0, where
    assert _count(world, Job.is_open) == 0, where
    assert _runs_of_jobs(world) == [1] * JOBS, where
    assert not list(world.context.cluster.storage.rglob("*.part")), where


CLOSED = (AttemptState.COLLECTED, AttemptState.LOST)


def _count(world: World, condition: ColumnElement[bool]) -> int:
    with world.database.reading() as session:
        return len(session.scalars(select(Attempt.token).join(Job).where(condition)).all())


def _runs_of_jobs(world: World) -> list[int]:
    """Count for each job how often the node did its work."""
    ran = [token for _, token in world.node.ran]
    with world.database.reading() as session:
        attempts = session.scalars(select(Attempt).order_by(Attempt.job_id)).all()
    runs = dict.fromkeys((attempt.job_id for attempt in attempts), 0)
    for attempt in attempts:
        runs[attempt.job_id] += ran.count(attempt.token)
    return list(runs.values())
