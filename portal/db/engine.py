"""Engines and transactions, the same on SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.db import revisions

BUSY_TIMEOUT_MS = 15_000
"""How long SQLite waits for another writer before it gives up."""

_LAST = "last acts"


@dataclass(frozen=True, slots=True)
class Database:
    """One database. Every use goes through ``writing`` or ``reading``."""

    engine: Engine

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose work is committed whole at the end, or not at all.

        On SQLite the write lock is taken at the start: two writers wait for each other instead of
        failing half-way when both have read.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection(execution_options={"sealrun_writes": True})
            session.info[_LAST] = []
            revisions.follow(session)
            yield session
            for act in session.info[_LAST]:
                act(session)
            revisions.count(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and changes nothing.

        What was read stays usable after the block; nothing more is loaded then.
        """
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @property
    def is_postgresql(self) -> bool:
        """Whether rows can be locked one by one."""
        return self.engine.dialect.name == "postgresql"


def before_commit(session: Session, act: Callable[[Session], None]) -> None:
    """Have something done as the last act of a transaction of ``Database.writing``."""
    if _LAST not in session.info:
        raise RuntimeError("only a session of Database.writing has an end to do something at")
    session.info[_LAST].append(act)


def insert_if_absent(session: Session, row: object) -> bool:
    """Write a new row at once; False where another transaction has written its key meanwhile.

    On PostgreSQL two transactions can both find that a key is free. The second then waits here for
    the first, and what it did before stays good.
    """
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def open_database(url: str) -> Database:
    """Open ``sqlite:///FILE`` or ``postgresql+psycopg://...``; connects at first use only."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    return Database(engine)


def share_with_group(database: Database) -> None:
    """Let the group of SQLite's file write to it, as web and worker can be two accounts.

    What SQLite keeps beside it gets the same mode.
    """
    if not database.is_postgresql:
        Path(str(database.engine.url.database)).chmod(0o660)


def _prepare_sqlite(engine: Engine) -> None:
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html: the driver's own BEGIN comes too
    # late, so it is switched off and ours is sent.
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        connection.isolation_level = None
        # Bytes that are no text must not stop whoever reads other rows with them.
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sealrun_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
