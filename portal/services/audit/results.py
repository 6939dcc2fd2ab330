"""Results compared with the audit log: each has an entry with its digest, and is still what that says."""

from collections.abc import Iterator

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry, Result
from portal.domain.audit import Action
from portal.services.evaluations.results import result_digest

_AT_ONCE = 500
_STORED = AuditEntry.action == Action.RESULT_STORED


def problems(session: Session) -> Iterator[str]:
    """Yield what is wrong with results, as sentences; it says something where the log itself is whole.

    Results that are older than the first entry about one cannot be compared.
    """
    yield from _noted_twice(session)
    yield from _never_noted(session)
    after = 0
    while entries := session.scalars(
        select(AuditEntry)
        .where(_STORED, AuditEntry.number > after)
        .order_by(AuditEntry.number)
        .limit(_AT_ONCE)
    ).all():
        after = entries[-1].number
        ids = [entry.subject_id for entry in entries]
        found = {
            row.evaluation_id: row
            for row in session.scalars(select(Result).where(Result.evaluation_id.in_(ids)))
        }
        for entry in entries:
            result = found.get(entry.subject_id)
            if result is None:
                yield f"the result of evaluation {entry.subject_id} is gone (entry {entry.number})"
            elif result_digest(result) != entry.detail.get("sha256"):
                yield f"the result of evaluation {entry.subject_id} was changed (entry {entry.number})"
        session.expunge_all()


def _noted_twice(session: Session) -> Iterator[str]:
    twice = (
        select(AuditEntry.subject_id, func.max(AuditEntry.number))
        .where(_STORED)
        .group_by(AuditEntry.subject_id)
        .having(func.count() > 1)
    )
    for evaluation, number in session.execute(twice):
        yield f"the result of evaluation {evaluation} was stored twice (entry {number})"


def _never_noted(session: Session) -> Iterator[str]:
    first = select(func.min(AuditEntry.at)).where(_STORED).scalar_subquery()
    noted = exists().where(AuditEntry.subject_id == Result.evaluation_id, _STORED)
    for evaluation in session.scalars(
        select(Result.evaluation_id).where(Result.created_at > first, ~noted)
    ):
        yield f"the result of evaluation {evaluation} is not in the log"
