"""The state of the database's schema, and bringing it up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from portal.db import grants, guards
from portal.db.engine import Database
from portal.domain.errors import OperatorError


def upgrade(database: Database) -> None:
    """Run every migration that is missing, in one transaction.

    Raises ``OperatorError``, and changes nothing, where the triggers that keep the audit log are not
    those that the portal made: a migration that makes the table anew would hide that, or lose them.
    """
    with database.engine.begin() as connection:
        _check_guards(connection, "before")
        command.upgrade(_config(connection), "head")
        _check_guards(connection, "after")


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
        found = MigrationContext.configure(connection).get_current_revision()
        return found == ScriptDirectory.from_config(_config(connection)).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
