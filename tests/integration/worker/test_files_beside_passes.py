"""What takes long with files goes on beside the passes: nothing else waits for it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import FilePiece, Lease, Trouble
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.domain.submissions.limits import SubmissionKind
from portal.files.progress import FileTimeoutError, StoppedError
from portal.services.attention.troubles import PAUSES, Step
from portal.services.evaluations import file_pieces, leases
from portal.services.submissions import views as submission_views
from portal.worker import lease_keeping, loop
from portal.worker.file_work.reporting import SAID_AFTER, Sayer
from portal.worker.ingest import attempt as ingest_attempt
from portal.worker.loop import work_until
from tests.integration.worker.slow_files import (
    Slow,
    cancel,
    run_until,
    submit_held,
    threads,
)
from tests.support.patience import PATIENCE, until
from tests.support.worker.world import World

E = EvaluationState


@pytest.fixture
def threaded(world: World) -> Iterator[World]:
    """A world whose worker has two threads for files."""
    with threads(world):
        yield world


def _state(world: World, submission: str) -> EvaluationState:
    return world.evaluation(submission).state


def test_others_are_scored_while_a_large_file_is_read(threaded: World, slow: Slow) -> None:
    large = submit_held(threaded, slow)
    run_until(threaded, slow.begun.is_set)
    small = threaded.submit(SubmissionKind.RESULTS, b"id,digit\n1,2\n")
    run_until(threaded, lambda: _state(threaded, small) is E.SCORED)
    assert not _state(threaded, large).is_final
    slow.held.clear()
    run_until(threaded, lambda: _state(threaded, large) is E.SCORED)
    assert len(threaded.attempts("score")) == 2


def test_who_cancels_it_has_the_reading_stopped(threaded: World, slow: Slow) -> None:
    large = submit_held(threaded, slow)
    run_until(threaded, slow.begun.is_set)
    cancel(threaded, large)
    run_until(threaded, lambda: _state(threaded, large) is E.CANCELLED)
    run_until(threaded, lambda: not threaded.context.file_work.under_way())
    assert [type(error) for error in slow.ended_by] == [StoppedError]


def test_what_takes_too_long_is_tried_again_and_then_needs_attention(
    world: World, slow: Slow
) -> None:
    world.run_until_final(world.submit(SubmissionKind.RESULTS, b"id,digit\n1,2\n"))
    with threads(world, timedelta(milliseconds=30)):
        large = submit_held(world, slow)

        def tries() -> int:
            with world.database.reading() as session:
                row = session.scalars(select(Trouble).where(Trouble.step == Step.SEND)).first()
                return row.tries if row else 0

        for number, pause in enumerate(PAUSES, start=1):
            run_until(world, lambda number=number: tries() == number)
            world.clock.advance(pause.total_seconds())
        run_until(world, lambda: _state(world, large) is E.HELD)
    assert {type(error) for error in slow.ended_by} == {FileTimeoutError}
    assert len(slow.ended_by) == len(PAUSES) + 1


def test_a_worker_that_was_killed_meanwhile_loses_nothing(world: World, slow: Slow) -> None:
    with threads(world):
        large = submit_held(world, slow)
        run_until(world, slow.begun.is_set)
    # Nothing of it was kept but the row of the attempt; the next one begins anew.
    slow.held.clear()
    with threads(world):
        run_until(world, lambda: _state(world, large) is E.SCORED)
    (attempt,) = world.attempts("score")
    assert attempt.state is AttemptState.COLLECTED


def test_outputs_are_taken_in_beside_passes(
    threaded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun = threading.Event(), threading.Event()
    copy = ingest_attempt.copy_outputs

    def held(*args: Any, **options: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE)
        return copy(*args, **options)

    monkeypatch.setattr(ingest_attempt, "copy_outputs", held)
    code = threaded.submit()
    run_until(threaded, begun.is_set)
    other = threaded.submit(SubmissionKind.RESULTS, b"id,digit\n1,2\n")
    run_until(threaded, lambda: _state(threaded, other) is E.SCORED)
    assert not _state(threaded, code).is_final
    go_on.set()
    run_until(threaded, lambda: _state(threaded, code) is E.SCORED)


def test_its_pages_say_how_far_it_is(threaded: World, slow: Slow) -> None:
    large = submit_held(threaded, slow)
    run_until(threaded, slow.begun.is_set)
    sayer = Sayer(threaded.context)
    sayer.say()
    assert _queue(threaded, large).gone_through is None
    threaded.clock.advance(SAID_AFTER.total_seconds())
    sayer.say()
    gone_through = _queue(threaded, large).gone_through
    assert gone_through is not None
    assert gone_through >= 1000
    (one,) = _shown(threaded)
    assert (one.submission_id, one.piece.part, one.piece.is_begun) == (large, Part.PREPARE, True)
    slow.held.clear()
    run_until(threaded, lambda: _state(threaded, large) is E.SCORED)
    sayer.say()
    assert _shown(threaded) == []


def test_how_large_an_output_is_is_not_told_by_how_long_it_takes(threaded: World) -> None:
    """Of a run on private data its team would learn something of it."""
    code = threaded.submit()
    run_until(threaded, lambda: _state(threaded, code) is E.SCORING)
    piece = file_pieces.Piece(
        subject=threaded.attempts("predict")[0].token,
        part=Part.TAKE,
        is_begun=True,
        size=10**9,
        since=threaded.clock(),
    )
    with threaded.database.writing() as session:
        file_pieces.say(session, "main", [piece], now=threaded.clock())
    told = _queue(threaded, code)
    assert told is None or told.gone_through is None
    assert [one.submission_id for one in _shown(threaded)] == [code]


def test_what_a_killed_worker_said_is_taken_back(world: World) -> None:
    piece = file_pieces.Piece(
        subject="of a dead one", part=Part.TAKE, is_begun=True, size=1, since=world.clock()
    )
    with world.database.writing() as session:
        file_pieces.say(session, "main", [piece], now=world.clock())
        file_pieces.say(session, "elsewhere", [piece], now=world.clock())
    Sayer(world.context).say()
    with world.database.reading() as session:
        assert list(session.scalars(select(FilePiece.cluster))) == ["elsewhere"]


def test_a_lease_is_kept_while_a_pass_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_keeping, "LEASE", timedelta(seconds=0.2))
    name = "cluster:main"
    assert lease_keeping.take(world.context, name)
    with lease_keeping.kept(world.context, name):
        for _ in range(5):
            # Read before: whoever keeps it may renew it at once when the clock has gone on.
            before = _lease(world, name)
            world.clock.advance(0.19)
            until(lambda before=before: _lease(world, name) > before)
        assert not _taken_by_another(world, name)
    world.clock.advance(0.2)
    assert _taken_by_another(world, name)


def test_a_pass_that_hangs_loses_its_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_keeping, "LEASE", timedelta(seconds=0.2))
    monkeypatch.setattr(lease_keeping, "MAX_PASS", timedelta(0))
    name = "cluster:main"
    assert lease_keeping.take(world.context, name)
    with lease_keeping.kept(world.context, name):
        world.clock.advance(0.2)
        assert _taken_by_another(world, name)


def test_who_has_lost_the_lease_stops_working_on_files(threaded: World, slow: Slow) -> None:
    large = submit_held(threaded, slow)
    run_until(threaded, slow.begun.is_set)
    with threaded.database.writing() as session:
        leases.take_lease(
            session,
            name="cluster:main",
            holder="another",
            lasts=timedelta(hours=1),
            now=threaded.clock(),
        )
    stop = threading.Event()
    worker = threading.Thread(target=work_until, args=(threaded.context, stop))
    worker.start()
    until(lambda: bool(slow.ended_by))
    stop.set()
    worker.join()
    assert [type(error) for error in slow.ended_by] == [StoppedError]
    assert not _state(threaded, large).is_final


def test_the_loop_goes_on_as_soon_as_a_file_is_ready(
    world: World, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run_until_final(world.submit(SubmissionKind.RESULTS, b"id,digit\n1,2\n"))
    large = submit_held(world, slow)
    monkeypatch.setattr(loop, "MIN_INTERVAL_SECONDS", 10 * PATIENCE)
    stop = threading.Event()
    with threads(world):
        context = replace(world.context, idle_pause=timedelta(seconds=10 * PATIENCE))
        worker = threading.Thread(target=work_until, args=(context, stop))
        worker.start()
        assert slow.begun.wait(PATIENCE)
        slow.held.clear()
        # The long pause before the next pass is cut short.
        until(lambda: _state(world, large) is E.SCORING and _is_sent(world))
        stop.set()
        worker.join()


def _is_sent(world: World) -> bool:
    return any(one.state is AttemptState.QUEUED for one in world.attempts("score"))


def _lease(world: World, name: str) -> Any:
    with world.database.reading() as session:
        return session.get_one(Lease, name).expires_at


def _taken_by_another(world: World, name: str) -> bool:
    return lease_keeping.take(replace(world.context, holder="another"), name)


def _queue(world: World, submission: str) -> Any:
    with world.database.reading() as session:
        page = submission_views.submission_page(
            session,
            actor=Actor(person_id=world.person, name="Ada"),
            submission_id=submission,
            resources=world.context.resources,
            now=world.clock(),
        )
    return page.evaluations[0].queue


def _shown(world: World) -> list[file_pieces.Shown]:
    with world.database.reading() as session:
        return file_pieces.of_site(
            session, actor=Actor(person_id=world.person, name="Ada", is_staff=True)
        )
