"""A worker is killed at every point there is, one after the other; the next one ends what it began.

It works once, and at each point the world is kept as it is then: that is what is left of a worker killed there. From
each of these moments the next one goes on.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, select

from portal import bootstrap
from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    Cancellation,
    Evaluation,
    Event,
    Image,
    Job,
    Result,
    Standing,
)
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.domain.submissions.limits import SubmissionKind
from portal.worker.file_work.work import AtOnce
from portal.worker.loop import run_pass
from portal.worker.steps.resolve import UNCLEAR
from tests.integration.worker.hurried import hurried
from tests.integration.worker.moments import Album, Moment
from tests.support.worker.eager import eager
from tests.support.worker.points import Reached, WatchedDatabase, WatchedScheduler, watched_files
from tests.support.worker.world import Clock, World, make_world

__all__ = ["hurried"]

pytestmark = pytest.mark.slow

STEP = 15
"""Seconds between passes: an unclear submission is given up after 30."""
MAX_PASSES = 40
COURSES = [
    ("waiting", "building", "queued", "running", "scoring", "scored"),
    ("waiting", "scoring", "scored"),
]
SCORES = {"accuracy": 0.91239, "loss": 0.25}
COMMIT, CANCEL = "before commit", "before cancel"
JOBS = 7
"""Builds of probe, scorer, base and code; one prediction and two scores."""
EFFECTS = (COMMIT, "before submit", CANCEL, "open", "os.")
"""Killed between two of them, a worker leaves the world as if killed just before the second."""


Share = Callable[[Album], list[Moment]]

SHARES = pytest.mark.parametrize(
    "share",
    [
        pytest.param(Album.firsts, id="the first time at a place"),
        pytest.param(Album.others, id="all other times"),
    ],
)
"""The points of which a run kills at each; together they are all that there are."""


@SHARES
def test_killed_anywhere_the_next_worker_ends_what_it_began(
    hurried: Database, tmp_path: Path, share: Share
) -> None:
    world = _new_world(hurried, tmp_path)
    album = _album(world, tmp_path)
    submissions = _submit_all(world)

    _live(world, submissions, album)

    _check(world, submissions, "never killed")
    assert _kinds(album) == {*album.effects} - {CANCEL}
    for moment in share(album):
        album.go_back(moment)
        _live(world, submissions)
        _check(world, submissions, f"killed {moment.place}")


@SHARES
def test_killed_anywhere_what_somebody_cancelled_ends_cancelled(
    hurried: Database, tmp_path: Path, share: Share
) -> None:
    world = _new_world(hurried, tmp_path)
    album = _album(world, tmp_path)
    submission = world.submit(SubmissionKind.CODE)
    _wish_to_cancel(world, submission)

    _live(world, [submission], album)

    assert _kinds(album) == {*album.effects}
    for moment in share(album):
        album.go_back(moment)
        _live(world, [submission])
        where = f"killed {moment.place}"
        assert world.evaluation(submission).state is EvaluationState.CANCELLED, where
        assert _count(world, Attempt.state.not_in(CLOSED)) == 0, where
        assert _count(world, Job.is_open) == 0, where
        assert "score" not in {kind for kind, _ in world.node.ran}, where


def _kinds(album: Album) -> set[str]:
    """Return which kinds of effects were come to."""
    places = [moment.place for moment in album.moments]
    return {kind for kind in album.effects if any(place.startswith(kind) for place in places)}


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


@SHARES
@pytest.mark.parametrize(
    ("first", "number"),
    [
        pytest.param("before submit", 1, id="never sent: an image"),
        pytest.param("before submit", JOBS, id="never sent: the last score"),
        pytest.param("after submit", 1, id="sent and not recorded: an image"),
        pytest.param("after submit", JOBS, id="sent and not recorded: the last score"),
    ],
)
def test_killed_again_anywhere_while_looking_up_what_was_unclear(
    hurried: Database, tmp_path: Path, first: str, number: int, share: Share
) -> None:
    world = _new_world(hurried, tmp_path)
    submissions = _submit_all(world)
    sendings = Album(world, tmp_path / "world", (first,))
    _live(world, submissions, sendings)
    assert len(sendings.moments) == JOBS

    sendings.go_back(sendings.moments[number - 1])
    album = _album(world, tmp_path)
    album.until = _is_clear
    _live(world, submissions, album)

    _check(world, submissions, "killed once")
    assert album.is_full
    assert len(album.moments) > 1
    for moment in share(album):
        album.go_back(moment)
        _live(world, submissions)
        _check(world, submissions, f"killed again {moment.place}")


def _is_clear(world: World) -> bool:
    return _count(world, Attempt.state.in_(UNCLEAR)) == 0


def _new_world(database: Database, folder: Path) -> World:
    (folder / "world").mkdir()
    return make_world(database, folder / "world", Clock())


def _album(world: World, folder: Path) -> Album:
    """On PostgreSQL the same is done to files and the cluster: there only what it does itself is kept."""
    effects = (COMMIT,) if world.database.is_postgresql else EFFECTS
    return Album(world, folder / "world", effects)


def _submit_all(world: World) -> list[str]:
    return [
        world.submit(SubmissionKind.CODE),
        world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n"),
    ]


def _unseen(_place: str) -> None:
    """Come to a place that nobody keeps."""


def _live(world: World, submissions: list[str], reached: Reached = _unseen) -> None:
    """Start a worker and let it work until all is done."""
    watched = replace(world.site, database=WatchedDatabase(world.database.engine, reached))
    storage = world.context.cluster.storage
    with watched_files(storage, reached):
        context = bootstrap.worker_contexts(watched)[0]
    scheduler = WatchedScheduler(world.scheduler, reached)
    context = replace(
        context,
        cluster=replace(context.cluster, scheduler=scheduler),
        file_work=AtOnce(),
    )
    for _ in range(MAX_PASSES):
        with watched_files(storage, reached):
            run_pass(context, eager())
        if all(world.evaluation(one).state.is_final for one in submissions):
            return
        world.scheduler.advance()
        world.clock.advance(STEP)
    raise AssertionError(f"not settled after {MAX_PASSES} passes")


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
