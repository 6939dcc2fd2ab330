"""What the web process's role may do, where it has one of its own in PostgreSQL.

Nobody but the owner of a table can drop its triggers. So the worker's role owns the database, and the
web process's role is granted what pages need. SQLite has no roles: there the recorded heads of the
audit log are what shows a change.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

READS = (
    "alembic_version",
    "check_reports",
    "data_snapshots",
    "deletions",
    "file_pieces",
    "heartbeats",
    "results",
    "role_invitation_links",
    "run_logs",
    "troubles",
)
"""Tables that the web process only reads: the worker and operators write them."""
ADDS = ("audit_entries", "mails")
"""Tables that it only adds rows to. Origins are erased as the worker's account: by it, and by an operator; it sends mails."""

_EXISTS = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
_SCHEMA = text(
    "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('alembic_version')"
)
_POWERS = text("""
SELECT r.rolsuper AS super, r.rolcreaterole AS roles, r.rolreplication AS replication,
       pg_has_role(r.oid, c.relowner, 'MEMBER') AS owner,
       pg_has_role(r.oid, d.datdba, 'MEMBER') AS database_owner,
       has_schema_privilege(r.oid, c.relnamespace, 'CREATE') AS makes_tables,
       has_database_privilege(r.oid, d.oid, 'CREATE') AS makes_schemas,
       has_table_privilege(r.oid, c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES') AS changes,
       has_any_column_privilege(r.oid, c.oid, 'UPDATE') AS changes_columns,
       EXISTS (SELECT FROM pg_roles s WHERE pg_has_role(r.oid, s.oid, 'MEMBER') AND s.rolname IN
         ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')) AS server
FROM pg_roles r, pg_class c, pg_database d
WHERE r.rolname = :role AND c.oid = to_regclass('audit_entries') AND d.datname = current_database()""")
_MEANS = {
    "super": "is a superuser",
    "roles": "can change other roles",
    "replication": "can replicate",
    "owner": "owns audit_entries, or can act as its owner",
    "database_owner": "owns the database, or can act as its owner",
    "makes_tables": "can make tables and functions in the portal's schema",
    "makes_schemas": "can make schemas in the database",
    "changes": "can change or delete entries, or make triggers on them",
    "changes_columns": "can change columns of entries",
    "server": "can write everywhere, or run programs on the server",
}


def has_role(connection: Connection, role: str) -> bool:
    """Tell whether the server knows a role."""
    return bool(connection.scalar(_EXISTS, {"role": role}))


def give(connection: Connection, role: str) -> None:
    """Grant the web process's role what it needs, on the tables that are there now. Idempotent."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema, name = quote(str(connection.scalar(_SCHEMA))), quote(role)
    connection.exec_driver_sql(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    connection.exec_driver_sql(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}"
    )
    for table in READS:
        connection.exec_driver_sql(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {name}")
    for table in ADDS:
        connection.exec_driver_sql(f"REVOKE UPDATE, DELETE ON {table} FROM {name}")


def powers(connection: Connection, role: str) -> Iterator[str]:
    """Yield what a role could do to the audit log, as ends of a sentence; nothing where it cannot."""
    row = connection.execute(_POWERS, {"role": role}).one_or_none()
    if row is not None:
        yield from (means for name, means in _MEANS.items() if getattr(row, name))
