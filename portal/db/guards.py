"""The triggers that keep the audit log append-only: whether the database still has them, unchanged.

Whoever owns the tables can drop them, and on SQLite that is every account that writes to the file. So
they are compared with what the code makes, together with whatever else could let a statement on the
log do something else: further triggers, rules, row security, a table of that name in front of it.
"""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, inspect, text

from portal.db.tables.audit import POSTGRESQL_GUARDS, SQLITE_GUARDS

TABLE = "audit_entries"
_NAME = re.compile(r"CREATE TRIGGER (\w+)")
_BODY = re.compile(r"\$\$(.*)\$\$", re.DOTALL)

# PostgreSQL, src/include/catalog/pg_trigger.h: for each row, before, delete and update; before truncate.
_TYPES = {"audit_entries_keep": 1 | 2 | 8 | 16, "audit_entries_stay": 2 | 32}

_TRIGGERS = text("""
SELECT t.tgname AS name, t.tgtype AS type, t.tgenabled::text AS enabled, t.tgqual IS NULL AS always,
       t.tgattr::text AS columns, t.tgnargs AS arguments, p.prosrc AS body, l.lanname AS language,
       p.prosecdef OR p.proconfig IS NOT NULL AS special
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
WHERE t.tgrelid = to_regclass('audit_entries') AND NOT t.tgisinternal""")

_TABLE = text("""
SELECT c.relkind::text AS kind, c.relrowsecurity AS filtered,
       c.relnamespace = v.relnamespace AS beside,
       EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid) AS ruled,
       EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhparent, inhrelid)) AS inherited,
       EXISTS (SELECT FROM pg_operator WHERE oprnamespace = c.relnamespace) AS operators,
       current_setting('session_replication_role') = 'origin' AS fires
FROM pg_class c, pg_class v
WHERE c.oid = to_regclass('audit_entries') AND v.oid = to_regclass('alembic_version')""")


def problems(connection: Connection) -> list[str]:
    """Return what is not as the code made it, as sentences; nothing where all is well."""
    if connection.dialect.name == "sqlite":
        return list(_of_sqlite(connection))
    return list(_of_postgresql(connection))


def is_guarded(connection: Connection) -> bool:
    """Tell whether this database has an audit log at all: the first migrations had none."""
    return inspect(connection).has_table(TABLE)


def restore(connection: Connection) -> None:
    """Replace all triggers on the log by those of the code."""
    is_sqlite = connection.dialect.name == "sqlite"
    suffix = "" if is_sqlite else f" ON {TABLE}"
    for name in _present(connection):
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.exec_driver_sql(f"DROP TRIGGER {quoted}{suffix}")
    for guard in SQLITE_GUARDS if is_sqlite else POSTGRESQL_GUARDS:
        connection.exec_driver_sql(guard.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def _present(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(
            text(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = :table"
            ),
            {"table": TABLE},
        )
        return [str(row.name) for row in rows]
    return [str(row.name) for row in connection.execute(_TRIGGERS)]


def _of_sqlite(connection: Connection) -> Iterator[str]:
    expected = {_name(guard): _plain(guard) for guard in SQLITE_GUARDS}
    rows = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE type = 'trigger' OR name = :table"),
        {"table": TABLE},
    ).all()
    if [row.type for row in rows if row.name == TABLE] != ["table"]:
        yield f"{TABLE} is no table"
    # The portal makes no other triggers: one on another table could write to the log as well.
    found = {row.name: _plain(row.sql or "") for row in rows if row.type == "trigger"}
    yield from _compared(expected, found)


def _of_postgresql(connection: Connection) -> Iterator[str]:
    table = connection.execute(_TABLE).one_or_none()
    if table is None:
        yield f"{TABLE} is no table"
        return
    wrong = {
        f"{TABLE} is no table": table.kind != "r",
        f"another schema has a table {TABLE} in front of it": not table.beside,
        f"a rule rewrites statements on {TABLE}": table.ruled,
        f"row security hides rows of {TABLE}": table.filtered,
        f"{TABLE} has a table that it inherits from, or that inherits from it": table.inherited,
        "the schema has operators of its own": table.operators,
        "triggers do not fire in this session": not table.fires,
    }
    yield from (message for message, holds in wrong.items() if holds)
    body = _plain(_BODY.findall(POSTGRESQL_GUARDS[0])[0])
    expected = {name: f"{kind} {body}" for name, kind in _TYPES.items()}
    found = {row.name: f"{row.type} {_plain(row.body)}" for row in connection.execute(_TRIGGERS)}
    yield from _compared(expected, found)
    for row in connection.execute(_TRIGGERS):
        yield from _special(row)


def _special(row: Row[Any]) -> Iterator[str]:
    if row.enabled not in {"O", "A"}:
        yield f"the trigger {row.name} is switched off"
    if not row.always or row.columns or row.arguments or row.special or row.language != "plpgsql":
        yield f"the trigger {row.name} is bound to conditions, or its function is a special one"


def _compared(expected: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    for name, made in expected.items():
        if name not in found:
            yield f"the trigger {name} is missing"
        elif found[name] != made:
            yield f"the trigger {name} was changed"
    for name in sorted(set(found) - set(expected)):
        yield f"the trigger {name} is not the portal's"


def _name(guard: str) -> str:
    match = _NAME.match(guard)
    if match is None:
        raise ValueError(guard)
    return match[1]


def _plain(sql: str) -> str:
    return " ".join(sql.split())
