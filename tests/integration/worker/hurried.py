"""A database that can be emptied and does not wait for the disk, for tests of many lives of a worker."""

import pytest
from sqlalchemy import event, text

from portal.db.engine import Database

LIFTED = {
    "sqlite": ("DROP TRIGGER audit_entries_stay",),
    "postgresql": ("DROP TRIGGER audit_entries_keep ON audit_entries",),
}


@pytest.fixture
def hurried(database: Database) -> Database:
    """Do not wait for the disk: the machine stays on, only the worker is killed.

    The audit log loses its guards too: these tests empty the database between two lives.
    """
    with database.engine.begin() as connection:
        for statement in LIFTED[database.engine.dialect.name]:
            connection.execute(text(statement))
    if not database.is_postgresql:
        database.engine.dispose()
        event.listen(
            database.engine,
            "connect",
            lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
        )
    return database
