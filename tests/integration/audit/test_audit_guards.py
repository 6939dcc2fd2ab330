"""The database itself keeps the audit log append-only, however its tables were made."""

import pytest
from sqlalchemy import Connection, text

from portal.db import schema
from portal.db.engine import Database, open_database
from portal.db.tables import Base
from tests.support.databases import PostgresServer


def _guards(connection: Connection) -> dict[str, str]:
    """Return what the database says of the triggers on the log, and of what they call."""
    if connection.dialect.name == "sqlite":
        statement = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        statement = (
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
            " UNION SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
        )
    return {name: " ".join(made.split()) for name, made in connection.execute(text(statement))}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def two_empty(request, tmp_path):
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "other")]
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls = [server.empty_database(), server.empty_database()]
    databases = [open_database(url) for url in urls]
    yield databases
    for database in databases:
        database.engine.dispose()


def test_the_migration_makes_the_same_guards_as_the_code(two_empty: list[Database]) -> None:
    migrated, created = two_empty
    schema.upgrade(migrated)
    Base.metadata.create_all(created.engine)

    with migrated.engine.connect() as one, created.engine.connect() as other:
        made = _guards(one)
        assert made == _guards(other)

    third = "audit_entries_guard" if migrated.is_postgresql else "audit_entries_once"
    assert set(made) == {"audit_entries_keep", "audit_entries_stay", third}
