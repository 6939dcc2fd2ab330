"""Writing down who did what to what, from where."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from portal.db.engine import before_commit
from portal.db.tables import AuditEntry
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import START, Action, Subject, entry_digest, new_salt, origin_digest
from portal.domain.errors import NotAllowedError

_LOCK = 0x5EA1
"""PostgreSQL's advisory lock under which entries are chained."""


class _Act(NamedTuple):
    actor: Actor
    action: Action
    subject: Subject
    challenge_id: str | None
    detail: dict[str, Any]
    at: datetime


def note(
    session: Session,
    *,
    actor: Actor,
    action: Action,
    subject: Subject,
    now: datetime,
    challenge_id: str | None = None,
    **detail: str | int | bool | list[str] | None,
) -> None:
    """Add an entry to the audit log when the transaction ends; both stand or fall together.

    The entries of a transaction are chained as its last act, under a lock that no other work is
    waited for with: so writers of the log wait for each other, and never in a circle. ``detail`` is
    kept for ever: it must hold nothing personal and nothing secret.
    """
    act = _Act(actor, action, subject, challenge_id, detail, now)
    pending: list[_Act] = session.info.setdefault("audit", [])
    pending.append(act)
    if len(pending) == 1:
        before_commit(session, _write)


def _write(session: Session) -> None:
    # Rows that are still to be written can be somebody else's who waits for the lock.
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    number, previous = session.execute(
        select(AuditEntry.number, AuditEntry.sha256).order_by(AuditEntry.number.desc()).limit(1)
    ).one_or_none() or (0, START)
    for act in session.info.pop("audit"):
        number += 1
        entry = _entry(act, number, previous)
        session.add(entry)
        previous = entry.sha256
    session.flush()


def _entry(act: _Act, number: int, previous: str) -> AuditEntry:
    salt = new_salt()
    entry = AuditEntry(
        number=number,
        at=act.at.astimezone(UTC),
        actor_kind=act.actor.kind,
        actor_id=act.actor.person_id,
        action=act.action,
        subject_kind=act.subject.kind,
        subject_id=act.subject.id,
        challenge_id=act.challenge_id,
        detail=act.detail,
        origin=act.actor.origin[:300],
        origin_salt=salt,
        origin_sha256=origin_digest(salt, act.actor.origin[:300]),
        previous_sha256=previous,
    )
    entry.sha256 = entry_digest(previous, as_plain(entry))
    return entry


def erase_origins(session: Session, *, actor: Actor, before: datetime, now: datetime) -> int:
    """Forget from where things were done before a moment; return in how many entries.

    The chain still holds: it covers a digest of the origin, of which nothing can be read.
    """
    if not permissions.may_operate(actor):
        raise NotAllowedError("Only an operator of the site may erase origins.")
    erased = session.execute(
        update(AuditEntry)
        .where(
            AuditEntry.at < before,
            or_(AuditEntry.origin.is_not(None), AuditEntry.origin_salt.is_not(None)),
        )
        .values(origin=None, origin_salt=None)
        .returning(AuditEntry.number)
        .execution_options(synchronize_session=False)
    ).all()
    if erased:
        note(
            session,
            actor=actor,
            action=Action.ORIGINS_ERASED,
            subject=Subject(kind="audit", id="origins"),
            now=now,
            entries=len(erased),
            before=before.astimezone(UTC).isoformat(),
        )
    return len(erased)


def as_plain(entry: AuditEntry | Row[Any]) -> dict[str, Any]:
    """Return what the chain covers of an entry, or of a row with its columns."""
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "actor_kind": str(entry.actor_kind),
        "actor_id": entry.actor_id,
        "action": str(entry.action),
        "subject": [entry.subject_kind, entry.subject_id],
        "challenge_id": entry.challenge_id,
        "detail": entry.detail,
        "origin_sha256": entry.origin_sha256,
    }
