"""What a database is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from portal.db.engine import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Collect the statements that a database is sent until the end of the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
