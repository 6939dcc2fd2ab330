"""The database as the web process's account sees it: it may write what `portal.db.grants` grants it, and no more."""

import sqlite3

from sqlalchemy import event

from portal.db import grants
from portal.db.engine import Database, open_database

ROLE = "sealrun-web"
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)


def as_web(database: Database) -> Database:
    """Return the same database, opened as the web process's role of PostgreSQL opens it.

    SQLite has no roles. There its authorizer keeps what is sent within the same grants, so that tests of pages
    on SQLite show a grant that is missing, too.
    """
    url = database.engine.url
    if database.is_postgresql:
        with database.engine.begin() as connection:
            if not grants.has_role(connection, ROLE):
                connection.exec_driver_sql(f'CREATE ROLE "{ROLE}"')
            grants.give(connection, ROLE)
        return open_database(
            url.update_query_dict({"options": f"-c role={ROLE}"}).render_as_string(False)
        )
    limited = open_database(url.render_as_string(False))

    @event.listens_for(limited.engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_authorizer(_authorize)

    return limited


def _authorize(action: int, table: str | None, *_rest: object) -> int:
    is_read_only = table in grants.READS and action in _WRITES
    is_added_to = table in grants.ADDS and action in _WRITES[1:]
    return sqlite3.SQLITE_DENY if is_read_only or is_added_to else sqlite3.SQLITE_OK
