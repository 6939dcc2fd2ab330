"""Every column has a word on what the worker makes of it, and hostile values in any of them open nothing outside."""

import ast
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, Table, select

from portal.db.engine import Database
from portal.db.tables import Attempt, Base, Image, Job, Submission
from portal.db.types import Tree, Word
from portal.domain.errors import OperatorError
from portal.domain.submissions.limits import SubmissionKind
from portal.files.errors import BadArchiveError
from portal.files.private_folders import PRIVATE
from portal.worker.boundary import token_of, work_as_prepared
from portal.worker.prepare import run_notes
from portal.worker.prepare.run_directory import prepare
from scheduler.interface import Token
from tests.support.worker.weights import upload
from tests.support.worker.world import Clock, World, make_world

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/explanation/web-process.md"


def documented() -> dict[str, set[str]]:
    """Return the columns that the page speaks of, by table."""
    found: dict[str, set[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\| `([a-z_]+)` \| ([^|]*) \| [^|]+ \|", line):
            found.setdefault(match[1], set()).update(re.findall(r"`([a-z0-9_]+)`", match[2]))
    return found


def test_every_column_has_a_word_on_what_the_worker_makes_of_it() -> None:
    tables = {
        table.name: {column.name for column in table.columns}
        for table in Base.metadata.sorted_tables
    }

    assert documented() == tables


@pytest.fixture
def sealed(sqlite_database: Database, tmp_path: Path) -> World:
    """Let every kind of job have been done once."""
    world = make_world(sqlite_database, tmp_path, Clock())
    for data in world.context.resources.data.values():
        object.__setattr__(data, "measure", True)
    world.run_until_final(world.submit())
    smoke, weights_id = world.submit(smoke=True), upload(world, "model.bin", b"numbers")
    with world.database.writing() as session:
        session.get_one(Submission, smoke).weights_id = weights_id
    world.run_until_final(smoke)
    results = world.submit(SubmissionKind.RESULTS, b"id,digit\n1,7\n")
    world.run_until_final(results)
    return world


def test_every_directory_of_the_storage_is_closed_but_that_of_uploads(sealed: World) -> None:
    sealed.context.cluster.close_to_others()
    storage = sealed.context.cluster.storage

    open_ones = {path.name for path in storage.iterdir() if path.stat().st_mode & 0o077}

    assert open_ones == {"blobs"}
    assert {path.name for path in storage.iterdir()} <= {"blobs", "audit", *PRIVATE}


@pytest.mark.parametrize("kind", ["link", "open"])
def test_the_worker_does_not_start_on_a_directory_that_others_could_have_filled(
    sealed: World, tmp_path: Path, kind: str
) -> None:
    place = sealed.context.cluster.storage / "samples"
    if kind == "link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.chmod(0o770)

    with pytest.raises(OperatorError, match="samples"):
        sealed.context.cluster.close_to_others()


MAKES_PATHS = "context.py"
"""The only module of the worker that makes a path of a value; its functions take checked types."""


def _is_fixed(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return bool(name) and name.isupper()


def test_one_module_of_the_worker_makes_paths_of_values() -> None:
    found = []
    for file in sorted((ROOT / "portal/worker").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                is_time = "timedelta" in ast.unparse(node) or isinstance(node.left, ast.Constant)
                if file.name != MAKES_PATHS and not _is_fixed(node.right) and not is_time:
                    found.append((file.name, ast.unparse(node)))

    assert found == [("expire.py", "images / f'{digest}.sif'")]


READ = {
    "attempts", "challenges", "columns", "data_snapshots", "evaluations", "images", "jobs", "phase_tasks",
    "phases", "submissions", "tasks", "weights",
}  # fmt: skip


def columns() -> list[tuple[str, str]]:
    """Return the columns of texts, words and lists that the worker reads."""
    return [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        if table.name in READ
        for column in table.columns
        if isinstance(column.type, (String, Word, Tree))
    ]


class Opened:
    """Notes whatever of a directory is opened, listed, made or moved. There is one hook for the process."""

    def __init__(self) -> None:
        self.forbidden = ""
        self.found: list[str] = []
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.forbidden and event.startswith(("open", "os.")):
            self.found += [
                f"{event} {one}"
                for one in arguments
                if isinstance(one, (str, bytes, Path)) and self.forbidden in str(one)
            ]


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened()


@contextmanager
def changed(world: World, table: Table, column: str, value: str) -> Iterator[None]:
    """Let all rows of a table have a value, without any of the database's own checks; put back what was there."""
    # A connection of its own, on which foreign keys are not looked at.
    database = sqlite3.connect(str(world.database.engine.url.database), isolation_level=None)
    is_key = column in {one.name for one in table.primary_key}
    rows = f"WHERE rowid = (SELECT max(rowid) FROM {table.name})" if is_key else ""  # noqa: S608
    try:
        before = database.execute(f"SELECT {column}, rowid FROM {table.name}").fetchall()  # noqa: S608
        database.execute(f"UPDATE OR IGNORE {table.name} SET {column} = ? {rows}", (value,))  # noqa: S608
        try:
            yield
        finally:
            database.executemany(
                f"UPDATE {table.name} SET {column} = ? WHERE rowid = ?",  # noqa: S608
                before,
            )
    finally:
        database.close()


def one_of_each(world: World) -> dict[str, Token]:
    """Return an attempt of each kind of job: of builds one of code, of predictions the smoke run."""
    with world.database.reading() as session:
        found = session.execute(
            select(Job.kind, Image.kind, Attempt.token)
            .join(Attempt, Attempt.job_id == Job.id)
            .outerjoin(Image, Image.id == Job.image_id)
            .order_by(Attempt.token)
        )
        return {f"{job} {image or ''}".strip(): token_of(token) for job, image, token in found}


def _touched(tokens: dict[str, Token], table: str) -> list[Token]:
    """Return the attempts that a table has a say in."""
    if table in {"attempts", "jobs"}:
        return list(tokens.values())
    builds = {"images": ["build archive", "build code"], "data_snapshots": ["measure"]}
    kinds = builds.get(table, []) + (["predict", "score"] if table != "data_snapshots" else [])
    return [tokens[kind] for kind in kinds]


@pytest.mark.slow
def test_hostile_values_open_nothing_outside_and_reach_no_script(
    sealed: World, tmp_path: Path, opened: Opened
) -> None:
    outside = tmp_path / "hostile-outside"
    outside.mkdir()
    values = [
        str(outside), f"../../../../../../../..{outside}\n--wrap={outside}",
        f"hostile-outside\0{'x' * 10_000}",
    ]  # fmt: skip
    tokens = one_of_each(sealed)
    strange: list[str] = []
    try:
        for table, column in columns():
            is_json = isinstance(Base.metadata.tables[table].c[column].type, Tree)
            for value in [json.dumps([str(outside)]), "{"] if is_json else values:
                where = f"{table}.{column} = {value[:60]!r}"
                with changed(sealed, Base.metadata.tables[table], column, value):
                    opened.found, opened.forbidden = [], "hostile-outside"
                    strange += [
                        f"{where}: {one}" for one in _all_prepared(sealed, _touched(tokens, table))
                    ]
                    opened.forbidden = ""
                    strange += [f"{where}: {one}" for one in opened.found]
    finally:
        opened.forbidden = ""

    assert strange == []


def _all_prepared(world: World, tokens: list[Token]) -> Iterator[str]:
    """Prepare and read every attempt anew; tell of whatever but a refusal comes of it."""
    for token in tokens:
        for directory in (world.context.cluster.storage / "runs").glob(f"*/{token}"):
            (directory / run_notes.SENT).unlink(missing_ok=True)
        try:
            spec = prepare(world.context, token)
            work_as_prepared(world.context, token)
        except (OperatorError, BadArchiveError):
            continue
        except Exception as problem:  # noqa: BLE001 - that is what is looked for
            yield f"{type(problem).__name__}: {problem}"
            continue
        if "hostile-outside" in repr(spec):
            yield "it stands in the script"
