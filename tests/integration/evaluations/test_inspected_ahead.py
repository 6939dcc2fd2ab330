"""Large images are looked through before their builds are opened: nobody waits for that but who submitted them."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from containers.archives import Entry, write_archive
from portal.db.tables import Submission
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.limits import SubmissionKind
from portal.services.evaluations import file_pieces
from portal.services.submissions import views as submission_views
from portal.worker.file_work.reporting import SAID_AFTER, Sayer
from portal.worker.steps import inspect_ahead
from tests.integration.worker.slow_files import Slow, cancel, run_until, submit_held, threads
from tests.support.worker.world import World

E = EvaluationState


@pytest.fixture
def threaded(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which everything that it needs is built, and images count as large."""
    world.run_until_final(world.submit(SubmissionKind.RESULTS, b"id,digit\n1,9\n"))
    monkeypatch.setattr(inspect_ahead, "LARGE", 1)
    with threads(world):
        yield world


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("image") / "image.tar"
    write_archive([Entry(path="app/predict", mode=0o755)], file, architecture="amd64")
    return file.read_bytes()


def _state(world: World, submission: str) -> EvaluationState:
    return world.evaluation(submission).state


def _lying(world: World) -> list[Path]:
    place = world.context.cluster.ahead
    return list(place.iterdir()) if place.exists() else []


def test_no_build_is_opened_meanwhile_and_runs_of_other_kinds_go_on(
    threaded: World, slow: Slow, image: bytes
) -> None:
    built = len(threaded.attempts("build"))
    large = submit_held(threaded, slow, image, SubmissionKind.IMAGE)
    run_until(threaded, slow.begun.is_set)
    small = threaded.submit(SubmissionKind.RESULTS, b"id,digit\n1,2\n")
    run_until(threaded, lambda: _state(threaded, small) is E.SCORED)
    assert _state(threaded, large) is E.WAITING
    assert len(threaded.attempts("build")) == built
    slow.held.clear()
    run_until(threaded, lambda: _state(threaded, large) is E.SCORED)
    assert len(threaded.attempts("build")) == built + 1
    assert _lying(threaded) == []


def test_the_upload_is_copied_once_however_many_passes_go_by_meanwhile(
    threaded: World, slow: Slow, image: bytes
) -> None:
    large = submit_held(threaded, slow, image, SubmissionKind.IMAGE)
    run_until(threaded, slow.begun.is_set)
    for _ in range(3):
        threaded.run(seconds=0.1)
    slow.held.clear()
    run_until(threaded, lambda: _state(threaded, large) is E.SCORED)
    assert slow.copied == [sha256(image).hexdigest()]


def test_who_cancels_it_has_the_looking_stopped_and_its_copy_removed(
    threaded: World, slow: Slow, image: bytes
) -> None:
    large = submit_held(threaded, slow, image, SubmissionKind.IMAGE)
    run_until(threaded, slow.begun.is_set)
    cancel(threaded, large)
    run_until(threaded, lambda: not threaded.context.file_work.under_way())
    assert _state(threaded, large) is E.CANCELLED
    with threaded.database.reading() as session:
        assert not session.get_one(Submission, large).counts
    assert _lying(threaded) == []


def test_what_is_wrong_with_it_fails_its_build_as_always(threaded: World) -> None:
    bad = threaded.submit(SubmissionKind.IMAGE, b"nothing that is an image" * 100)
    run_until(threaded, lambda: _state(threaded, bad).is_final)
    assert threaded.evaluation(bad).reason is FailureReason.BAD_ARCHIVE


def test_a_worker_that_was_killed_after_it_loses_nothing(
    world: World, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_ahead, "LARGE", 1)
    place = world.context.cluster.ahead
    with threads(world):
        large = world.submit(SubmissionKind.IMAGE, image)
        run_until(world, lambda: bool(_lying(world)))
    (place / "left-by-a-worker-of-before").write_bytes(b"")
    with threads(world):
        run_until(world, lambda: _state(world, large) is E.SCORED)
    assert _lying(world) == []


def test_no_more_than_a_few_lie_ready(threaded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_ahead, "MAX_AHEAD", 0)
    large = threaded.submit(SubmissionKind.IMAGE, b"whatever")
    threaded.run(5)
    assert _state(threaded, large) is E.WAITING
    assert threaded.context.file_work.under_way() == []


def test_its_team_sees_how_far_it_is(threaded: World, slow: Slow, image: bytes) -> None:
    large = submit_held(threaded, slow, image, SubmissionKind.IMAGE)
    run_until(threaded, slow.begun.is_set)
    threaded.clock.advance(SAID_AFTER.total_seconds())
    Sayer(threaded.context).say()
    actor = Actor(person_id=threaded.person, name="Ada", is_staff=True)
    with threaded.database.reading() as session:
        (one,) = file_pieces.of_site(session, actor=actor)
        page = submission_views.submission_page(
            session,
            actor=actor,
            submission_id=large,
            resources=threaded.context.resources,
            now=threaded.clock(),
        )
    assert (one.piece.part, one.image_id) == (Part.AHEAD, threaded.evaluation(large).image_id)
    assert page.evaluations[0].queue.gone_through >= 1000
