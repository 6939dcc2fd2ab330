"""The migrations make exactly the tables of the code, on both databases."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from portal.db import schema
from portal.db.engine import Database, open_database
from portal.db.tables import Base
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
