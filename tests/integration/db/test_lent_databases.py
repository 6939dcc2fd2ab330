"""Databases of PostgreSQL that tests lend one another: each finds one as if nobody had had it before."""

import pytest
from sqlalchemy import text

from portal.db.engine import open_database
from portal.db.tables import Base
from tests.support.databases import PostgresServer

ROLE = "SET session_replication_role = replica"
"""As a superuser: rows without what they refer to, and past the guards of the audit log."""


def contents(address: str) -> dict[str, list[tuple[object, ...]]]:
    database = open_database(address)
    with database.engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(table.select())]
            for table in Base.metadata.sorted_tables
        }
        found["sequences"] = [
            tuple(row)
            for row in connection.execute(
                text("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
            )
        ]
    database.engine.dispose()
    return found


def execute(address: str, *statements: str) -> None:
    database = open_database(address)
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.engine.dispose()


def test_what_was_written_is_gone_and_numbers_begin_anew(postgres_server: PostgresServer) -> None:
    with postgres_server.lent() as first:
        before = contents(first)
        execute(
            first,
            ROLE,
            "DELETE FROM revisions",
            "INSERT INTO revisions (name, number) VALUES ('other', 7)",
            "SELECT setval(format('%I', sequencename)::regclass, 99) FROM pg_sequences",
        )
        assert contents(first) != before

    with postgres_server.lent() as second:
        assert second == first
        assert contents(second) == before


def test_a_transaction_that_was_left_open_holds_up_nobody(postgres_server: PostgresServer) -> None:
    with postgres_server.lent() as first:
        database = open_database(first)
        connection = database.engine.connect()
        connection.execute(text("LOCK TABLE revisions"))

    with postgres_server.lent() as second:
        assert second == first
    connection.invalidate()
    database.engine.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE revisions ADD COLUMN more integer",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "CREATE TABLE further (number integer)",
        "GRANT SELECT ON revisions TO pg_monitor",
        "CREATE SCHEMA further",
    ],
)
def test_one_whose_tables_were_changed_is_not_lent_again(
    postgres_server: PostgresServer, change: str
) -> None:
    with postgres_server.lent() as first:
        execute(first, change)

    with postgres_server.lent() as second:
        assert second != first
