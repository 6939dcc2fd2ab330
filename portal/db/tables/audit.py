"""Who did what to what, from where: rows that are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, ForeignKey, Index, Integer, String, event
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import ExecutableDDLElement

from portal.db.tables.base import Base, Digest
from portal.domain.accounts.people import ActorKind
from portal.domain.audit import Action


class AuditEntry(Base):
    """One act. ``sha256`` covers the entry and the one before it, so that none can be changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_challenge_id_number", "challenge_id", "number"),
        Index("ix_audit_entries_actor_id_number", "actor_id", "number"),
        Index("ix_audit_entries_subject", "subject_kind", "subject_id", "number"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Counts from 1 without a gap."""
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[str | None] = mapped_column(String(20))
    """The person, if one is known. Names are looked up: the log itself names nobody."""
    action: Mapped[Action]
    subject_kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[str] = mapped_column(String(64))
    challenge_id: Mapped[str | None] = mapped_column(ForeignKey("challenges.id"))
    detail: Mapped[dict[str, Any]]
    """Plain values that say more; nothing personal and nothing secret."""
    origin: Mapped[str | None] = mapped_column(String(300))
    """From where. Personal: it can be erased, and the chain still holds."""
    origin_salt: Mapped[str | None] = mapped_column(String(32))
    origin_sha256: Mapped[Digest]
    """Of salt and origin: what the chain covers in their place."""
    previous_sha256: Mapped[Digest]
    sha256: Mapped[Digest]


# Whoever can write rows must not change or delete any by mistake. The chain is what shows it when
# somebody does so on purpose. Erasing an origin is the one change there is.
_SAME = " AND ".join(
    f"NEW.{column.name} IS NOT DISTINCT FROM OLD.{column.name}"
    for column in AuditEntry.__table__.columns
    if column.name not in {"origin", "origin_salt", "detail"}
)
_ERASES = "NEW.origin IS NULL AND NEW.origin_salt IS NULL"

SQLITE_GUARDS = (
    f"""CREATE TRIGGER audit_entries_keep BEFORE UPDATE ON audit_entries
WHEN NOT ({_SAME.replace("IS NOT DISTINCT FROM", "IS")} AND NEW.detail IS OLD.detail AND {_ERASES})
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    """CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    # SQLite's REPLACE takes the old row away without asking the trigger on DELETE.
    """CREATE TRIGGER audit_entries_once BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)
POSTGRESQL_GUARDS = (
    f"""CREATE FUNCTION audit_entries_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND {_SAME} AND NEW.detail::text = OLD.detail::text AND {_ERASES} THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only';
END $$""",
    """CREATE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_guard()""",
    """CREATE TRIGGER audit_entries_stay BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_guard()""",
)

for _dialect, _guards in (("sqlite", SQLITE_GUARDS), ("postgresql", POSTGRESQL_GUARDS)):
    for _guard in _guards:
        _ddl: ExecutableDDLElement = DDL(_guard.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(AuditEntry.__table__, "after_create", _ddl.execute_if(dialect=_dialect))
