"""Both ways of working on files: at once, and in threads."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from portal.domain.evaluations.file_parts import Part
from portal.files.progress import FileTimeoutError, StoppedError, advance
from portal.worker.file_work import threads as file_threads
from portal.worker.file_work.threads import LARGE, FileThreads
from portal.worker.file_work.work import AtOnce, FileWork, FileWorkPendingError
from tests.support.patience import PATIENCE, until

START = datetime(2026, 12, 1, tzinfo=UTC)
LONG = timedelta(hours=1)
"""Seconds after which a test gives up; nothing that works takes as long."""
Made = TypeVar("Made")


class Ticking:
    """A clock that goes on by a second with each look, so that what is asked for has an order."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> datetime:
        self._looks += 1
        return START + timedelta(seconds=self._looks)


@pytest.fixture
def threads() -> Iterator[FileThreads]:
    """Two places."""
    made = FileThreads(2, LONG, Ticking())
    yield made
    made.close()


@pytest.fixture(params=["at once", "threads"])
def file_work(request: pytest.FixtureRequest) -> Iterator[FileWork]:
    """One of both."""
    made: FileWork = AtOnce() if request.param == "at once" else FileThreads(2, LONG, Ticking())
    yield made
    made.close()


def result(work: FileWork, subject: str, part: Part, act: Callable[[], Made], **hints: Any) -> Made:
    """Ask again and again, as passes do."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return work.done(subject, part, act, **hints)
        except FileWorkPendingError:
            time.sleep(0.005)
    raise AssertionError("never done")


class Gate:
    """Work that goes on, chunk by chunk, until it is let through."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()
        self.stopped_by: Exception | None = None
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        self.begun.set()
        try:
            while not self.open.wait(0.005):
                advance(100)
        except Exception as error:
            self.stopped_by = error
            raise
        return "through"


def ask(work: FileWork, subject: str, act: Callable[[], Any], **hints: Any) -> None:
    with pytest.raises(FileWorkPendingError):
        work.done(subject, Part.PREPARE, act, **hints)


def test_what_was_made_comes_back(file_work: FileWork) -> None:
    assert result(file_work, "a", Part.PREPARE, lambda: 7) == 7


def test_what_went_wrong_comes_back(file_work: FileWork) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        result(file_work, "a", Part.PREPARE, fail)


def test_parts_of_a_subject_are_apart(file_work: FileWork) -> None:
    assert result(file_work, "a", Part.FETCH, lambda: "fetched") == "fetched"
    assert result(file_work, "a", Part.TAKE, lambda: "taken") == "taken"


def test_what_is_forgotten_is_made_anew(file_work: FileWork) -> None:
    made = iter(range(10))
    first = result(file_work, "a", Part.PREPARE, lambda: next(made))
    file_work.forget("a")
    assert result(file_work, "a", Part.PREPARE, lambda: next(made)) == first + 1


def test_nothing_is_under_way_in_the_end(file_work: FileWork) -> None:
    result(file_work, "a", Part.PREPARE, lambda: 7)
    assert file_work.under_way() == []
    assert not file_work.is_busy("a")


def test_it_is_made_once_however_often_it_is_asked_for(threads: FileThreads) -> None:
    gate = Gate()
    ask(threads, "a", gate)
    assert gate.begun.wait(PATIENCE)
    ask(threads, "a", gate)
    assert threads.is_busy("a")
    assert not threads.has_news()
    gate.open.set()
    assert result(threads, "a", Part.PREPARE, gate) == "through"
    assert result(threads, "a", Part.PREPARE, gate) == "through"
    assert gate.times == 1
    assert threads.has_news()
    threads.look_up()
    assert not threads.has_news()


def test_no_more_is_worked_on_than_there_are_places(threads: FileThreads) -> None:
    gates = [Gate() for _ in range(4)]
    for name, gate in enumerate(gates):
        ask(threads, str(name), gate)
    assert all(gate.begun.wait(PATIENCE) for gate in gates[:2])
    assert [one.is_begun for one in threads.under_way()] == [True, True, False, False]
    gates[1].open.set()
    assert gates[2].begun.wait(PATIENCE)
    assert not gates[3].begun.is_set()


def test_large_files_leave_a_place_to_small_ones(threads: FileThreads) -> None:
    large, other, small = Gate(), Gate(), Gate()
    ask(threads, "large", large, size=LARGE + 1)
    ask(threads, "other", other, size=LARGE + 1)
    ask(threads, "small", small)
    assert large.begun.wait(PATIENCE)
    assert small.begun.wait(PATIENCE)
    assert not other.begun.is_set()
    large.open.set()
    assert other.begun.wait(PATIENCE)


def test_what_several_need_is_made_by_one_after_the_other(threads: FileThreads) -> None:
    first, second = Gate(), Gate()
    ask(threads, "first", first, alone="weights")
    ask(threads, "second", second, alone="weights")
    assert first.begun.wait(PATIENCE)
    assert result(threads, "other", Part.PREPARE, lambda: 7, alone="others") == 7
    assert not second.begun.is_set()
    first.open.set()
    assert second.begun.wait(PATIENCE)


def test_one_place_is_enough_for_large_files() -> None:
    work = FileThreads(1, LONG, Ticking())
    assert result(work, "a", Part.PREPARE, lambda: 7, size=LARGE + 1) == 7
    work.close()


def test_it_says_how_far_it_is(threads: FileThreads) -> None:
    gate = Gate()
    ask(threads, "a", gate)
    until(lambda: threads.under_way()[0].size >= 200)
    (one,) = threads.under_way()
    assert (one.subject, one.part, one.is_begun) == ("a", Part.PREPARE, True)
    assert one.since == START + timedelta(seconds=1)


def test_what_nobody_wants_is_stopped(threads: FileThreads) -> None:
    unwanted, wanted, waiting = Gate(), Gate(), Gate()
    ask(threads, "unwanted", unwanted)
    ask(threads, "wanted", wanted)
    ask(threads, "waiting", waiting)
    assert unwanted.begun.wait(PATIENCE)
    threads.only(["wanted"], Part.FETCH)
    assert len(threads.under_way()) == 3
    threads.only(["wanted"], Part.PREPARE)
    until(lambda: isinstance(unwanted.stopped_by, StoppedError))
    until(lambda: [one.subject for one in threads.under_way()] == ["wanted"])
    assert waiting.times == 0


def test_what_is_being_stopped_is_not_begun_beside_itself(threads: FileThreads) -> None:
    held, again = threading.Event(), Gate()

    def deaf() -> None:
        held.wait(PATIENCE)

    ask(threads, "a", deaf)
    threads.forget("a")
    ask(threads, "a", again)
    assert again.times == 0
    held.set()
    until(lambda: not threads.under_way())
    ask(threads, "a", again)
    assert again.begun.wait(PATIENCE)


def test_what_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    work = FileThreads(2, timedelta(milliseconds=20), Ticking())
    gate = Gate()
    with pytest.raises(FileTimeoutError, match="bytes were gone through"):
        result(work, "a", Part.PREPARE, gate)
    assert isinstance(gate.stopped_by, FileTimeoutError)
    work.close()


def test_what_hangs_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_threads, "GRACE", timedelta(0))
    work = FileThreads(1, timedelta(milliseconds=20), Ticking())
    released = threading.Event()

    def hang() -> None:
        released.wait(PATIENCE)

    with pytest.raises(FileTimeoutError, match="hangs"):
        result(work, "a", Part.TAKE, hang)
    work.forget("a")
    # Its place goes to others, but it is not begun once more beside itself.
    assert result(work, "b", Part.TAKE, lambda: "else") == "else"
    with pytest.raises(FileTimeoutError, match="hangs"):
        result(work, "a", Part.TAKE, lambda: "beside")
    released.set()
    until(lambda: all(one.subject != "a" for one in work.under_way()))
    assert result(work, "a", Part.TAKE, lambda: "again") == "again"
    work.close()


def test_closing_stops_everything() -> None:
    work = FileThreads(1, LONG, Ticking())
    gate, waiting = Gate(), Gate()
    ask(work, "a", gate)
    ask(work, "b", waiting)
    assert gate.begun.wait(PATIENCE)
    work.close()
    assert isinstance(gate.stopped_by, StoppedError)
    assert waiting.times == 0
    ask(work, "c", waiting)
    assert waiting.times == 0


def test_a_machine_without_threads_is_asked_again(
    threads: FileThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        ask(threads, "a", lambda: 7)
    assert [one.is_begun for one in threads.under_way()] == [False]
    threads.look_up()
    assert result(threads, "a", Part.PREPARE, lambda: 7) == 7
