"""Database: it answers, has all tables, and is one that the portal is made for."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from portal.db import grants, guards, schema
from portal.db.engine import Database, open_database
from portal.domain.errors import OperatorError
from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.rules.filesystems import filesystem_of, is_shared
from portal.site_check.target import Subject

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
GUARDS = Rule(
    id="database.guards",
    title="The triggers that keep the audit log append-only are there, unchanged",
    level=Level.FAILURE,
    meaning="Somebody has taken them away: entries can be changed and deleted.",
    change="find out who did it, then run: sealrun audit restore-guards",
)
LOG = Rule(
    id="database.log",
    title="The audit log is whole, and has every head that the worker has recorded",
    level=Level.FAILURE,
    meaning="Somebody has changed it, or an older database was restored.",
    change="run: sealrun audit verify (after a restore: sealrun audit accept HEAD)",
)
ROLES = Rule(
    id="database.roles",
    title="The web process's database role can add to the audit log and change nothing of it",
    level=Level.WARNING,
    meaning="Whoever takes over the web process can drop the log's triggers; the recorded heads show it.",
    change="site.yaml: database.url without a user, and a role for each account (docs/how-to/data-and-storage.md)",
)
RULES = (REACHABLE, SCHEMA, RELEASE, PLACE, JOURNAL, MODE, GUARDS, LOG, ROLES)


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
        if schema.is_current(database):
            yield from _log(database, subject)
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


def _log(database: Database, subject: Subject) -> Iterator[Finding]:
    """Look at the audit log, and at who could change it."""
    with database.engine.connect() as connection:
        wrong = guards.problems(connection)
        if database.is_postgresql and (web := subject.settings.accounts.web):
            yield from _roles(connection, web)
    yield GUARDS.judged(not wrong, "; ".join(wrong) or "they are as the code makes them")
    try:
        found = subject.adapters.examine_audit_log(database, subject.settings)
    except (OSError, OperatorError) as error:
        yield LOG.unchecked(str(error))
        return
    # Triggers have a finding of their own.
    others = [problem for problem in found.problems if problem not in wrong]
    yield LOG.judged(not others, "; ".join(others) or f"whole up to {found.head}")


def _roles(connection: Connection, web: str) -> Iterator[Finding]:
    # Without a user in its address each account connects as the role of its own name.
    named = connection.engine.url.username
    role = named or web
    if not grants.has_role(connection, role):
        change = "run: sealrun db upgrade, after CREATE ROLE (docs/how-to/data-and-storage.md)"
        yield ROLES.unchecked(f"the server has no role {role}", change=change)
        return
    powers = list(grants.powers(connection, role))
    yield ROLES.judged(not powers, f"{role} {', '.join(powers) or 'can only add to the log'}")
