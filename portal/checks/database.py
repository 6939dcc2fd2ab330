"""Database: it answers, has all tables, and is one that the portal is made for."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal.checks.filesystems import filesystem_of, is_shared
from portal.checks.subject import Subject
from portal.db import schema
from portal.db.engine import Database, open_database
from portal.domain.findings import Finding, Level, Rule

OLDEST_POSTGRESQL = 13

REACHABLE = Rule(
    id="database.reachable",
    title="The database answers",
    level=Level.FAILURE,
    meaning="Neither portal nor worker can do anything.",
    change="site.yaml: database.url",
)
SCHEMA = Rule(
    id="database.schema",
    title="The database has all tables",
    level=Level.FAILURE,
    meaning="Portal and worker refuse to start.",
    change="run: sealrun db upgrade",
)
RELEASE = Rule(
    id="database.release",
    title=f"PostgreSQL is {OLDEST_POSTGRESQL} or newer",
    level=Level.FAILURE,
    meaning="Sealrun was never tried with it.",
    change="site.yaml: database.url",
)
PLACE = Rule(
    id="database.place",
    title="SQLite's file is on a local disk",
    level=Level.FAILURE,
    meaning="Locks do not hold on a network file system: two writers can destroy the file.",
    change="site.yaml: database.url",
)
JOURNAL = Rule(
    id="database.journal",
    title="SQLite writes ahead to a log",
    level=Level.FAILURE,
    meaning="Readers and the writer block each other, and pages fail while the worker writes.",
    change="site.yaml: database.url",
)
MODE = Rule(
    id="database.mode",
    title="SQLite's file is not readable by everybody",
    level=Level.FAILURE,
    meaning="Everybody on this machine can read names, submissions and scores.",
    change="chmod 600 FILE",
)
RULES = (REACHABLE, SCHEMA, RELEASE, PLACE, JOURNAL, MODE)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at the database. Nothing is changed in it, and a missing SQLite file is not made."""
    url = subject.settings.database.url
    database = open_database(url)
    file = Path(database.engine.url.database or "") if url.startswith("sqlite:") else None
    if file is not None and not file.exists():
        yield REACHABLE.broken(f"there is no file {file}", change="run: sealrun db upgrade")
        return
    try:
        yield from _look(database, file)
    except SQLAlchemyError as error:
        yield REACHABLE.broken(str(getattr(error, "orig", None) or error))
    finally:
        database.engine.dispose()


def _look(database: Database, file: Path | None) -> Iterator[Finding]:
    current = schema.is_current(database)
    yield REACHABLE.holds("answers")
    yield SCHEMA.judged(current, "up to date" if current else "a migration is missing")
    with database.engine.connect() as connection:
        if file is None:
            number = int(str(connection.scalar(text("SHOW server_version_num")))) // 10_000
            yield RELEASE.judged(number >= OLDEST_POSTGRESQL, f"PostgreSQL {number}")
            return
        journal = str(connection.scalar(text("PRAGMA journal_mode")))
    yield JOURNAL.judged(journal == "wal", f"journal mode {journal}")
    kind = filesystem_of(file)
    yield PLACE.judged(not is_shared(kind), f"{file} is on {kind}")
    mode = file.stat().st_mode & 0o777
    # A folder that nobody else may enter closes its files as well.
    closed = not mode & 0o007 or not file.parent.stat().st_mode & 0o001
    yield MODE.judged(closed, f"{file} has mode {mode:04o}", change=f"chmod 600 {file}")
