"""Work on files that is held up, and worlds whose worker does it beside its passes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from portal.domain.accounts.people import Actor
from portal.domain.submissions.limits import SubmissionKind
from portal.files import store
from portal.files.progress import advance
from portal.files.store import Store, Stored
from portal.services.submissions import cancellation
from portal.worker.file_work.threads import FileThreads
from tests.support.patience import PATIENCE
from tests.support.worker.world import World

"""Seconds after which a test gives up; nothing that works takes as long."""


class Slow:
    """Copying of uploads that is held up after the first chunk, for those whose digest is named."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.copied: list[str] = []
        self.ended_by: list[Exception] = []
        self.begun = threading.Event()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        copy = Store.copy
        under_way = threading.local()

        def slow(of: Store, sha256: str, target: Path) -> Stored:
            under_way.sha256 = sha256
            self.copied.append(sha256)
            try:
                return copy(of, sha256, target)
            except Exception as error:
                self.ended_by.append(error)
                raise

        def slow_advance(size: int) -> None:
            while under_way.sha256 in self.held:
                self.begun.set()
                time.sleep(0.002)
                advance(1000)
            advance(size)

        monkeypatch.setattr(Store, "copy", slow)
        monkeypatch.setattr(store, "advance", slow_advance)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Hold up the copying of uploads."""
    made = Slow()
    made.install(monkeypatch)
    return made


@contextmanager
def threads(world: World, time_limit: timedelta = timedelta(hours=1)) -> Iterator[FileThreads]:
    """Let the worker of a world have two threads for files."""
    made = FileThreads(2, time_limit, world.clock)
    world.context = replace(world.context, file_work=made)
    try:
        yield made
    finally:
        made.close()


def run_until(world: World, is_so: Callable[[], bool]) -> None:
    """Run passes until something is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never was"
        world.context.file_work.look_up()
        world.run(seconds=0.1)
        time.sleep(0.01)


def submit_held(
    world: World,
    slow: Slow,
    content: bytes = b"id,digit\n1,1\n",
    kind: SubmissionKind = SubmissionKind.RESULTS,
) -> str:
    """Submit something whose copying is held up."""
    slow.held.add(sha256(content).hexdigest())
    return world.submit(kind, content)


def cancel(world: World, submission: str) -> None:
    """Cancel a submission as its team."""
    actor = Actor(person_id=world.person, name="Ada")
    with world.database.writing() as session:
        page = cancellation.cancel_page(
            session, actor=actor, submission_id=submission, now=world.clock()
        )
        cancellation.cancel(
            session,
            actor=actor,
            submission_id=submission,
            shown=page.cost,
            now=world.clock(),
        )
