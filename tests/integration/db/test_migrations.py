"""The migrations make exactly the tables of the code, on both databases."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, Connection, MetaData, Table, func, inspect, select, text

from portal.db import schema
from portal.db.engine import Database, open_database
from portal.db.tables import Base, Board, Standing, Team
from portal.db.tables import Column as ScoreColumn
from portal.domain.errors import OperatorError
from tests.support import factories
from tests.support.databases import PostgresServer
from tests.support.factories import NOW

RANKED = "ix_standings_rank"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.empty_database()
    database = open_database(url)
    yield database
    database.engine.dispose()


def test_an_empty_database_is_not_current(empty: Database) -> None:
    assert not schema.is_current(empty)


def test_after_an_upgrade_tables_and_code_agree(empty: Database) -> None:
    schema.upgrade(empty)

    assert schema.is_current(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Base.metadata)
    # Alembic cannot compare the order of an index on SQLite; the next test does.
    assert [one for one in found if RANKED not in repr(one) or empty.is_postgresql] == []


def test_a_board_is_ordered_as_its_index_is(empty: Database) -> None:
    schema.upgrade(empty)

    with empty.engine.connect() as connection:
        if empty.is_postgresql:
            (definition,) = connection.execute(
                text("SELECT indexdef FROM pg_indexes WHERE indexname = :name"), {"name": RANKED}
            ).scalars()
            assert definition.endswith("(board_id, rank_value DESC, achieved_at, team_id)")
        else:
            columns = connection.exec_driver_sql(f"PRAGMA index_xinfo({RANKED})").all()
            assert [(row[2], row[3]) for row in columns if row[5]] == [
                ("board_id", 0),
                ("rank_value", 1),
                ("achieved_at", 0),
                ("team_id", 0),
            ]


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    schema.upgrade(empty)
    schema.upgrade(empty)

    assert schema.is_current(empty)


def test_everything_can_be_taken_back(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.engine.begin() as connection:
        command.downgrade(schema._config(connection), "base")

    assert inspect(empty.engine).get_table_names() == ["alembic_version"]


def test_names_that_look_the_same_already_are_kept_and_told_apart(empty: Database) -> None:
    schema.upgrade(empty)
    names = ["Ada", "\u0410da", "ada ", "Bob"]
    with empty.writing() as session:
        digits = factories.add_challenge(session)
        teams = [
            factories.add_team(session, digits, f"Team {n}", factories.add_person(session, name)).id
            for n, name in enumerate(names)
        ]
    with empty.engine.begin() as connection:
        command.downgrade(schema._config(connection), "0011")
        for team, name in zip(teams, names, strict=True):
            renaming = text("UPDATE teams SET name = :name WHERE id = :id")
            connection.execute(renaming, {"id": team, "name": name})

    schema.upgrade(empty)

    with empty.reading() as session:
        rows = session.execute(select(Team.id, Team.name, Team.skeleton)).all()
    first, *others = sorted(row.id for row in rows if row.name != "Bob")
    assert {row.id: row.name for row in rows} == dict(zip(teams, names, strict=True))
    assert {row.id: row.skeleton for row in rows} == {
        teams[3]: "bob",
        first: "ada",
        **{one: f"ada {one}" for one in others},
    }


def _a_row_of_each(connection: Connection) -> dict[str, int]:
    """Write a row into each table that there is, which refers to those of the others; return how many each has."""
    there = MetaData()
    there.reflect(connection)
    wanted = [one for one in there.sorted_tables if one.name != "alembic_version"]
    for table in wanted:
        rows = {column.name: _value(connection, column) for column in table.columns}
        connection.execute(table.insert(), [rows])
    return {one.name: _count(connection, one) for one in wanted}


def _value(connection: Connection, column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        if key.column.table is column.table:
            return None
        return connection.scalar(select(key.column).limit(1))
    if isinstance(column.type, JSON):
        return {}
    kind = column.type.python_type
    if kind is str:
        return f"{column.table.name}-{column.name}"[: getattr(column.type, "length", None) or 20]
    return {int: 1, float: 1.0, bool: True, datetime: NOW, bytes: b""}[kind]


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("revision", [f"{number:04}" for number in range(1, 13)])
def test_a_filled_database_of_any_release_is_upgraded_and_loses_no_row(
    empty: Database, revision: str
) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(schema._config(connection), revision)
        before = _a_row_of_each(connection)
    assert set(before.values()) == {1}

    schema.upgrade(empty)

    # People log in once more where a session was of one of several accounts afterwards.
    if revision == "0001":
        before["login_sessions"] = 0
    assert schema.is_current(empty)
    with empty.engine.connect() as connection:
        there = MetaData()
        there.reflect(connection)
        assert {name: _count(connection, there.tables[name]) for name in before} == before
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def _each(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(statement))]


def test_each_phase_gets_a_board_with_what_stands_there(empty: Database) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(schema._config(connection), "0024")
        _a_row_of_each(connection)
        phases = _each(connection, "SELECT id, challenge_id, slug, title, position FROM phases")
        standings = _each(connection, "SELECT phase_id, team_id, rank_value FROM standings")

    schema.upgrade(empty)

    with empty.reading() as session:
        (board,) = session.scalars(select(Board)).all()
        assert [(board.id, board.challenge_id, board.slug, board.title, board.position)] == phases
        assert (board.phases, board.ranking, board.shown) == ([phases[0][2]], {}, [])
        assert (board.rule, board.audience, board.number) == (None, None, 1)
        assert board.ranks_organisers
        (row,) = session.scalars(select(Standing)).all()
        assert [(row.board_id, row.team_id, row.rank_value)] == standings
        assert (row.place, row.is_unranked, row.is_verified, row.is_picked) == (
            0,
            True,
            True,
            False,
        )
        (column,) = session.scalars(select(ScoreColumn)).all()
        assert (column.task_id, column.source, column.unit, column.formula) == (None, "", "", {})


def test_what_stands_on_the_boards_of_phases_stays_when_boards_go(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.writing() as session:
        digits = factories.add_challenge(session)
        factories.add_ranked(session, digits, "Ada", 0.9)
        factories.add_board(session, digits.challenge, "all", "All", ["warm-up", "dev"])
        row = session.scalars(select(Standing)).one()
        values = {"board_id": row.board_id, "team_id": row.team_id, "value": row.rank_value}

    with empty.engine.begin() as connection:
        command.downgrade(schema._config(connection), "0024")
        found = _each(connection, "SELECT phase_id, team_id, rank_value FROM standings")

    assert found == [tuple(values.values())]
    schema.upgrade(empty)
    assert schema.is_current(empty)


def test_rows_that_refer_to_nothing_stop_an_upgrade_which_then_changes_nothing(
    tmp_path: Path,
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'odd.db'}")
    with database.engine.begin() as connection:
        command.upgrade(schema._config(connection), "0010")
        _a_row_of_each(connection)
    with closing(sqlite3.connect(tmp_path / "odd.db")) as past_the_check:
        past_the_check.execute("UPDATE jobs SET image_id = 'nowhere'")
        past_the_check.commit()

    with pytest.raises(OperatorError, match="rows of jobs refer to what is not there"):
        schema.upgrade(database)

    with database.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0010"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    database.engine.dispose()


def test_the_newest_revision_is_the_one_that_the_migrations_lead_to(empty: Database) -> None:
    with empty.engine.connect() as connection:
        head = ScriptDirectory.from_config(schema._config(connection)).get_current_head()

    assert schema.newest() == head
    assert not schema.is_current(empty)
    schema.upgrade(empty)
    assert schema.is_current(empty)
