"""The state of the database's schema, and bringing it up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from portal.db import grants, guards
from portal.db.engine import Database
from portal.domain.errors import OperatorError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run every migration that is missing, in one transaction.

    Raises ``OperatorError``, and changes nothing, where the triggers that keep the audit log are not
    those that the portal made: a migration that makes the table anew would hide that, or lose them.
    """
    from alembic import command  # noqa: PLC0415 - only here, and it is large

    with _tables_can_be_made_anew(database) as connection, connection.begin():
        _check_guards(connection, "before")
        command.upgrade(_config(connection), "head")
        _check_guards(connection, "after")
        _check_references(connection)


@contextmanager
def _tables_can_be_made_anew(database: Database) -> Iterator[Connection]:
    """Connect without SQLite's check of references: it would refuse to copy a table that others refer to.

    https://www.sqlite.org/lang_altertable.html names the steps; the check cannot be switched in a transaction.
    """
    with database.engine.connect() as connection:
        if database.is_postgresql:
            yield connection
            return
        # Through SQLAlchemy a transaction would begin before it.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            # The pool would give it to others.
            connection.invalidate()


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise OperatorError(f"rows of {tables} refer to what is not there; nothing was changed")


def _check_guards(connection: Connection, moment: str) -> None:
    if guards.is_guarded(connection) and (wrong := guards.problems(connection)):
        raise OperatorError(
            f"{moment} the upgrade the audit log is not guarded: {'; '.join(wrong)}. Nothing was"
            " changed. Run 'sealrun audit verify', find out who did it, and run 'sealrun audit"
            " restore-guards'"
        )


def grant_to_web(database: Database, role: str) -> bool:
    """Grant the web process's role what pages need; False where it has none of its own.

    On SQLite, and where the address of the database names the role of everybody, nobody is granted anything.
    """
    if not database.is_postgresql or database.engine.url.username:
        return False
    with database.engine.begin() as connection:
        if not grants.has_role(connection, role):
            return False
        grants.give(connection, role)
    return True


def is_current(database: Database) -> bool:
    """Whether no migration is missing."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
        return list(found) == [newest()]


def newest() -> str:
    """Return the revision that the migrations lead to: they are numbered, and one follows the other."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
