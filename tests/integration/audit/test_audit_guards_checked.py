"""Whatever is done to the audit log's triggers is seen, on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import ProgrammingError

from portal.db import grants, guards, schema
from portal.db.engine import Database, open_database
from portal.domain.errors import OperatorError
from tests.support.databases import PostgresServer

SQLITE = {
    "dropped": ["DROP TRIGGER audit_entries_stay"],
    "weaker": [
        "DROP TRIGGER audit_entries_stay",
        (
            "CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries WHEN OLD.number < 0"
            " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ),
    ],
    "rewritten in place": [
        "PRAGMA writable_schema = ON",
        (
            "UPDATE sqlite_master SET sql = replace(sql, 'BEFORE DELETE', 'AFTER DELETE')"
            " WHERE name = 'audit_entries_stay'"
        ),
    ],
    "one more": [
        "CREATE TRIGGER quiet BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(IGNORE); END"
    ],
    "on another table": [
        "CREATE TRIGGER quiet AFTER UPDATE ON people BEGIN DELETE FROM leases; END"
    ],
    "a view": [
        "ALTER TABLE audit_entries RENAME TO hidden",
        "CREATE VIEW audit_entries AS SELECT * FROM hidden",
    ],
}
BODY = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
POSTGRESQL = {
    "dropped": ["DROP TRIGGER audit_entries_stay ON audit_entries"],
    "switched off": ["ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_keep"],
    "for replicas": ["ALTER TABLE audit_entries ENABLE REPLICA TRIGGER audit_entries_keep"],
    "function": [f"CREATE OR REPLACE FUNCTION audit_entries_guard() {BODY}"],
    "other function": [
        f"CREATE FUNCTION other() {BODY}",
        (
            "CREATE OR REPLACE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE ON audit_entries"
            " FOR EACH ROW EXECUTE FUNCTION other()"
        ),
    ],
    "other moment": [
        (
            "CREATE OR REPLACE TRIGGER audit_entries_keep BEFORE UPDATE ON audit_entries"
            " FOR EACH ROW EXECUTE FUNCTION audit_entries_guard()"
        )
    ],
    "condition": [
        (
            "CREATE OR REPLACE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE ON audit_entries"
            " FOR EACH ROW WHEN (OLD.number < 0) EXECUTE FUNCTION audit_entries_guard()"
        )
    ],
    "settings of the function": [
        "ALTER FUNCTION audit_entries_guard() SET search_path = pg_temp",
    ],
    "one more": [
        f"CREATE FUNCTION other() {BODY.replace('OLD', 'NULL')}",
        "CREATE TRIGGER quiet BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION other()",
    ],
    "rule": ["CREATE RULE quiet AS ON INSERT TO audit_entries DO INSTEAD NOTHING"],
    "row security": ["ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY"],
    "inherited": ["CREATE TABLE more () INHERITS (audit_entries)"],
    "in front": [
        "CREATE SCHEMA sealrun",
        "CREATE TABLE sealrun.audit_entries (LIKE public.audit_entries)",
    ],
    "an operator": [
        "CREATE FUNCTION never(varchar, varchar) RETURNS bool LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = never)",
    ],
}


@pytest.fixture
def postgresql(postgres_server: PostgresServer) -> Database:
    return open_database(postgres_server.new_database())


def _problems(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return guards.problems(connection)


def _do(database: Database, statements: list[str]) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_database_as_it_was_made_has_its_guards(database: Database) -> None:
    assert _problems(database) == []


def _changes_are_seen(database: Database, statements: list[str]) -> None:
    _do(database, statements)
    database.engine.dispose()

    assert len(_problems(database)) >= 1
    with pytest.raises(OperatorError, match="before the upgrade the audit log is not guarded"):
        schema.upgrade(database)


@pytest.mark.parametrize("change", SQLITE)
def test_what_is_done_to_them_on_sqlite_is_seen(sqlite_database: Database, change: str) -> None:
    _changes_are_seen(sqlite_database, SQLITE[change])


@pytest.mark.postgres
@pytest.mark.parametrize("change", POSTGRESQL)
def test_what_is_done_to_them_on_postgresql_is_seen(postgresql: Database, change: str) -> None:
    _changes_are_seen(postgresql, POSTGRESQL[change])
    postgresql.engine.dispose()


RESTORED = ("dropped", "one more")


def test_they_can_be_restored(database: Database) -> None:
    for name in RESTORED:
        _do(database, (POSTGRESQL if database.is_postgresql else SQLITE)[name])
    assert len(_problems(database)) == 2

    with database.engine.begin() as connection:
        guards.restore(connection)

    assert _problems(database) == []
    schema.upgrade(database)


@pytest.fixture
def two_roles(postgres_server: PostgresServer) -> Callable[[str], Database]:
    address = postgres_server.new_database()

    def connect(role: str) -> Database:
        return open_database(address.replace("sealrun@", f"{role}@"))

    return connect


@pytest.mark.postgres
def test_the_web_role_adds_to_the_log_and_can_do_nothing_else_with_it(
    two_roles: Callable[[str], Database],
) -> None:
    owner, web = two_roles("sealrun"), two_roles("adds-only")
    _do(owner, ['CREATE ROLE "adds-only" LOGIN'])
    with owner.engine.begin() as connection:
        grants.give(connection, "adds-only")
        grants.give(connection, "adds-only")
        assert list(grants.powers(connection, "adds-only")) == []
        assert "is a superuser" in list(grants.powers(connection, "sealrun"))
    try:
        refused = [statement for statement in TRIED if _is_refused(web, statement)]
    finally:
        web.engine.dispose()
        _do(owner, ['DROP OWNED BY "adds-only"', 'DROP ROLE "adds-only"'])
        owner.engine.dispose()

    assert refused == TRIED


TRIED = [
    "DELETE FROM audit_entries",
    "UPDATE audit_entries SET origin = NULL, origin_salt = NULL",
    "TRUNCATE audit_entries",
    "DROP TRIGGER audit_entries_keep ON audit_entries",
    "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
    "DROP TABLE audit_entries",
    "CREATE RULE quiet AS ON INSERT TO audit_entries DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit_entries_guard() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE mine ()",
    "CREATE SCHEMA mine",
    "UPDATE results SET seal_sha256 = 'x'",
    "DELETE FROM deletions",
    "UPDATE alembic_version SET version_num = 'none'",
    "SET session_replication_role = replica",
]


def _is_refused(database: Database, statement: str) -> bool:
    try:
        _do(database, [statement])
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False
