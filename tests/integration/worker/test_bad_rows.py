"""Whatever stands in the rows of one challenge: whole passes go on, and another challenge's submission is scored.

The web process's account can write anything into a SQLite database. Each column of each table gets a value that
nobody can read, in all rows that are not the other challenge's, while something of every state is under way.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Boolean, Column, Float, Integer, select
from structlog.testing import capture_logs

from portal import bootstrap
from portal.db.tables import Attempt, Base, Deletion, Evaluation, Submission
from portal.db.types import Tree, UtcDateTime, Word
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.domain.ids import new_id
from portal.domain.retention import ArtifactKind
from portal.domain.submissions.cancellation import Cost
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.limits import SubmissionKind
from portal.services.attention import troubles
from portal.services.attention.troubles import Step
from portal.services.submissions.cancellation import cancel
from tests.support.databases import new_sqlite
from tests.support.worker.world import (
    Clock,
    World,
    another_person,
    change_phase,
    make_world,
    packed_code,
)

E, A = EvaluationState, AttemptState
OTHER = "letters"
PASSES = 30
WORKED_ON = {"attempts", "evaluations", "jobs"}
"""What each step of a pass reads; the other tables take several times as long."""
STATES = {E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORING, E.HELD, E.SCORED, E.FAILED}


@dataclass
class Scene:
    """What works, what may be strange, and the database as it was before that is."""

    world: World
    healthy: str
    """A submission to the one challenge, which was submitted just now."""
    strange: dict[str, tuple[int, int]]
    """By table, between which rows those of the other challenge are; the first is not."""
    copy: sqlite3.Connection

    @property
    def path(self) -> str:
        return str(self.world.database.engine.url.database)

    def restore(self) -> None:
        """Put the database back as it was."""
        with closing(sqlite3.connect(self.path)) as database:
            self.copy.backup(database)

    def write(self, column: Column[Any], value: object) -> int:
        """Write a value into all rows that may be strange, past all checks; return how many there are."""
        after, last = self.strange[column.table.name]
        to = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            try:
                return database.execute(
                    f"UPDATE OR IGNORE {column.table.name} SET {column.name} = {to}"  # noqa: S608
                    " WHERE rowid > ? AND rowid <= ?",
                    (value, after, last),
                ).rowcount
            except sqlite3.IntegrityError:
                # A number that is a table's key cannot be anything else.
                return 0


def _last_rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        return {
            table: database.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0]  # noqa: S608
            for table in Base.metadata.tables
        }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("bad-rows")
    path = folder / "bad.db"
    database = new_sqlite(folder, path.name)
    world = make_world(database, folder, Clock())
    change_phase(world, failures=Failures.SEALED)
    assert world.run_until_final(world.submit()).state is E.SCORED
    before = _last_rows(path)
    _add_other(world, folder)
    _submit_to_other(world)
    after = _last_rows(path)
    healthy = world.submit()
    copy = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(path)) as there:
        there.backup(copy)
    yield Scene(world, healthy, {name: (before[name], after[name]) for name in after}, copy)
    copy.close()
    database.engine.dispose()


def _add_other(world: World, folder: Path) -> None:
    """Add the other challenge, whose data is measured."""
    path = folder / "site.yaml"
    settings = yaml.safe_load(path.read_text())
    for name in ("test", "truth"):
        there = settings["data"][f"digits-{name}"]
        settings["data"][f"letters-{name}"] = there | {"challenges": [OTHER], "measure": True}
    # Of a run whose row nobody can read it is not known whether it still is on its node. That holds up those
    # which must not be beside it, as it should; here nothing is.
    for name in ("build", "score"):
        settings["profiles"][name]["partition"] = f"{name}-only"
    path.write_text(yaml.safe_dump(settings))
    challenge = folder / "challenge/challenge.yaml"
    challenge.write_text(
        challenge.read_text()
        .replace("slug: digits", f"slug: {OTHER}")
        .replace("data: digits", "data: letters")
        .replace("failures: typed", "failures: sealed")
    )
    site = replace(bootstrap.open_site(path), database=world.database, clock=world.clock)
    bootstrap.add_challenge(site, folder / "challenge")
    world.context = replace(world.context, resources=site.resources)


def _submit_to_other(world: World) -> None:
    """Submit so much, one after the other, that something is in every state."""
    first, second = (_submit(world, packed_code(f"print({n})")) for n in (-1, -2))
    world.run_until_final(first)
    world.run_until_final(second)
    for number in range(12):
        is_code = number % 4 != 3
        content = packed_code(f"print({number})") if is_code else b"id,digit\n1,7\n"
        submission = _submit(world, content, is_code=is_code)
        world.run()
    with world.database.writing() as session:
        now = world.clock()
        held = session.scalars(select(Evaluation).where(Evaluation.submission_id == first)).one()
        held.state = E.HELD
        failed = session.scalars(select(Evaluation).where(Evaluation.submission_id == second)).one()
        failed.state, failed.reason = E.FAILED, FailureReason.NO_OUTPUT
        for step, subject in ((Step.PLAN, held.id), (Step.COLLECT, "sr-1")):
            troubles.note(session, step, subject, "main", OSError("odd"), now=now)
        challenge_id = session.get_one(Submission, first).challenge_id
        session.add(
            Deletion(
                id=new_id(now), kind=ArtifactKind.LOG, subject="sr-1", cluster="main", challenge_id=challenge_id,
                sha256="", size=0, policy="", intended_at=now, done_at=None,
            )
        )  # fmt: skip
        actor = Actor(person_id=session.get_one(Submission, submission).person_id)
        cancel(session, actor=actor, submission_id=submission, shown=Cost.COUNTS, now=now)


def _submit(world: World, content: bytes, *, is_code: bool = True) -> str:
    """Submit to the other challenge, as somebody new."""
    kind = SubmissionKind.CODE if is_code else SubmissionKind.RESULTS
    person = another_person(world, f"Bob {new_id(world.clock())}")
    return world.submit(kind, content, challenge=OTHER, by=person)


def test_something_is_in_every_state(scene: Scene) -> None:
    scene.restore()

    with scene.world.database.reading() as session:
        assert {one.state for one in session.scalars(select(Evaluation))} == STATES
        attempts = {one.state for one in session.scalars(select(Attempt))}
    assert attempts >= {A.QUEUED, A.RUNNING, A.COLLECTED}


def _unreadable(column: Column[Any]) -> object:
    """Return what no reader of such a column knows."""
    if isinstance(column.type, Tree):
        return "{"
    if isinstance(column.type, (Boolean, Integer, Float)):
        return "many"
    return "never" if isinstance(column.type, (UtcDateTime, Word)) else b"\xff\xfe\x00"


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(table, marks=() if table in WORKED_ON else pytest.mark.slow)
        for table in sorted(Base.metadata.tables)
    ],
)
def test_rows_that_nobody_can_read_hold_up_no_other(scene: Scene, table: str) -> None:
    held_up = []
    for column in Base.metadata.tables[table].columns:
        scene.restore()
        if scene.write(column, _unreadable(column)) and (problem := _is_held_up(scene)):
            held_up.append(f"{column}: {problem}")

    assert held_up == []


def _is_held_up(scene: Scene) -> str:
    """Run passes as the worker does; say why the one challenge's submission was not scored."""
    world, problem = scene.world, ""
    for _ in range(PASSES):
        try:
            # What is logged is not looked at, and to render it would take most of the time.
            with capture_logs():
                world.run()
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            problem = troubles.in_words(error)
        if world.evaluation(scene.healthy).state is E.SCORED:
            return ""
    return problem or world.evaluation(scene.healthy).state
