"""Databases with all tables, made once and then copied or lent: SQLite's files, and Debian's PostgreSQL.

PostgreSQL is started for the tests on a socket of its own and nowhere else.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import CompiledCacheType
from sqlalchemy.util import LRUCache

from portal.db import schema
from portal.db.engine import Database, open_database

TEMPLATE = "sealrun_template"
_MAX_COMPILED = 4096
"""Statements, which is more than there are."""

_CATALOG = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT concat_ws('-', 'class', oid, xmin) AS part FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws('-', 'column', attrelid, attnum, pg_attribute.xmin) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws('-', 'constraint', oid, xmin) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws('-', 'trigger', oid, xmin) FROM pg_trigger
    UNION ALL SELECT concat_ws('-', 'function', oid, xmin) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws('-', 'schema', oid, xmin) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT concat_ws('-', 'rights', oid, xmin) FROM pg_default_acl
) AS parts
"""
"""Which version of each row describes the database: whatever changes a table or a trigger makes a new one."""
_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SEQUENCES = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


def share_compiled_statements() -> None:
    """Let all engines of this process use what one of them has compiled.

    Each test opens a database of its own, and SQLAlchemy keeps what it compiles by engine and by dialect: a third of
    a test's time went into compiling the same statements again. Here all of them speak to one release of each make.
    """
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = _is_same_make  # type: ignore[method-assign]
        dialect.__hash__ = _hash_of_make  # type: ignore[method-assign]
    compiled: CompiledCacheType = LRUCache(_MAX_COMPILED)

    @event.listens_for(Engine, "engine_connect")
    def use(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)


def _is_same_make(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_make(one: object) -> int:
    return hash(type(one))


def new_sqlite(directory: Path, name: str = "sealrun.db") -> Database:
    """Make a database with all tables in a new file; the migrations are run once in a process."""
    path = directory / name
    path.write_bytes(_migrated())
    return open_database(f"sqlite:///{path}")


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.db")
        database = open_database(f"sqlite:///{path}")
        schema.upgrade(database)
        # The last connection moves what is in the write-ahead log into the file, so that it is all of it.
        database.engine.dispose()
        return path.read_bytes()


@dataclass(frozen=True)
class PostgresServer:
    """A running server; every test gets a database of its own, copied from a template."""

    directory: Path
    _free: list["_Lent"] = field(default_factory=list)
    """Databases that are as the template is."""

    @staticmethod
    def is_installed() -> bool:
        """Whether Debian's server programs are here."""
        return _programs() is not None

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["PostgresServer"]:
        """Run a server until the end of the block; its files go with it."""
        programs = _programs()
        assert programs is not None
        # Not below pytest's own folder: that is closed to the account that the server runs as.
        directory = Path(tempfile.mkdtemp(prefix="sealrun-pg-", dir="/var/tmp"))
        try:
            if os.geteuid() == 0:
                shutil.chown(directory, "postgres", "postgres")
            _run([programs / "initdb", "-D", directory / "data", "-U", "sealrun", "-A", "trust"])
            settings = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
            control = [programs / "pg_ctl", "-D", directory / "data", "-w"]
            _run([*control, "-l", directory / "log", "-o", settings, "start"])
            try:
                server = cls(directory)
                server._make_template()
                yield server
            finally:
                _run([*control, "-m", "immediate", "stop"])
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://sealrun@/{name}?host={self.directory}"

    def new_database(self) -> str:
        """Make a database with all tables and return its address."""
        name = f"t_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Lend a database with all tables and yield its address; afterwards it is cleaned, to be lent again.

        One whose tables, triggers or rights were changed is not lent again: emptying tables does not
        bring back what describes them.
        """
        lent = self._free.pop() if self._free else self._first_lent()
        yield lent.address
        with self._connected(lent.name) as connection:
            connection.execute(_OTHERS)
            if _catalog(connection) == lent.catalog:
                lent.clean(connection)
                self._free.append(lent)
                return
        self._execute(f"DROP DATABASE {lent.name} WITH (FORCE)")

    def _first_lent(self) -> "_Lent":
        address = self.new_database()
        name = address.removeprefix("postgresql+psycopg://sealrun@/").partition("?")[0]
        with self._connected(name) as connection:
            return _Lent.of(name, address, connection)

    def _connected(self, name: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.directory), dbname=name, user="sealrun", autocommit=True
        )

    def empty_database(self) -> str:
        """Make a database without tables and return its address."""
        name = f"t_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _make_template(self) -> None:
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        database = open_database(self.url(TEMPLATE))
        schema.upgrade(database)
        database.engine.dispose()

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@dataclass(frozen=True)
class _Lent:
    """A database that is used by one test after the other, and what it holds between them."""

    name: str
    address: str
    catalog: str
    rows: dict[str, list[tuple[object, ...]]]
    """Of each table, what the migrations put there."""

    @classmethod
    def of(cls, name: str, address: str, connection: psycopg.Connection) -> "_Lent":
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = {
            table: connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            ).fetchall()
            for (table,) in tables.fetchall()
        }
        return cls(name, address, _catalog(connection), rows)

    def clean(self, connection: psycopg.Connection) -> None:
        """Leave only what the migrations put there, whatever refers to it and whatever keeps it from being removed."""
        connection.execute("SET session_replication_role = replica")
        with connection.transaction(), connection.cursor() as cursor:
            for table, rows in self.rows.items():
                name = sql.Identifier(table)
                cursor.execute(sql.SQL("DELETE FROM {}").format(name))
                for row in rows:
                    values = sql.SQL(", ").join([sql.Placeholder()] * len(row))
                    cursor.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values), row)
            cursor.execute(_SEQUENCES)


def _catalog(connection: psycopg.Connection) -> str:
    row = connection.execute(_CATALOG).fetchone()
    assert row is not None
    return str(row[0])


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _run(argv: list[str | Path]) -> None:
    """Run as the account ``postgres`` where we are root: the server refuses to run as root."""
    prefix: list[str | Path] = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run(
        [*prefix, *argv], check=True, cwd="/", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
