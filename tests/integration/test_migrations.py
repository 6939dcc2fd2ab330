"""The migrations make exactly the tables of the code, on both databases."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

from portal.db import schema
from portal.db.engine import Database, open_database
from portal.db.tables import Base, Team
from tests import factories
from tests.postgres import PostgresServer


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
        assert compare_metadata(context, Base.metadata) == []


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
