"""Reading the audit log from its first entry to its last, and finding the first thing wrong."""

import heapq
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Row
from sqlalchemy.orm import Session

from portal.db.queries import audit as queries
from portal.domain.audit import EMPTY, Head, entry_digest, origin_digest
from portal.services.audit.log import as_plain

NOT_KEPT = "it is not the entry that was kept"
ENDS_BEFORE = "the log ends before the entry that was kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first thing that is wrong."""

    number: int
    """Of the entry where it shows."""
    message: str

    def __str__(self) -> str:
        return f"entry {self.number}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far the log holds; with a problem, up to the entry before it."""

    head: Head
    problem: Problem | None


def verify(
    session: Session, *, expected: Head | None = None, recorded: Iterable[Head] = ()
) -> Checked:
    """Check every entry; memory does not grow with the log.

    ``expected`` is a head that was kept elsewhere and ``recorded`` are those that the worker has kept,
    in their order: the log must still have all of them.
    """
    due = (head for head in _merged(recorded, expected) if head != EMPTY)
    kept, head = next(due, None), EMPTY
    try:
        with closing(queries.every_entry(session)) as rows:
            for row in rows:
                if message := _complaint(row, head):
                    return _found(head, row.number, message)
                head = Head(number=row.number, sha256=row.sha256)
                while kept is not None and kept.number == head.number:
                    if kept != head:
                        return _found(head, head.number, NOT_KEPT)
                    kept = next(due, None)
    except (ValueError, LookupError, TypeError) as error:
        return _found(head, head.number + 1, _unreadable(error))
    if kept is not None:
        return _found(head, head.number + 1, ENDS_BEFORE)
    return Checked(head=head, problem=None)


def go_on(session: Session, head: Head, *, most: int) -> Checked:
    """Check at most ``most`` entries from a known head on, which must itself be there unchanged."""
    try:
        rows = list(queries.entries_from(session, head.number, most + 1))
        if head != EMPTY and (message := _lost(head, rows.pop(0) if rows else None)):
            return _found(head, head.number, message)
        for row in rows:
            if message := _complaint(row, head):
                return _found(head, row.number, message)
            head = Head(number=row.number, sha256=row.sha256)
    except (ValueError, LookupError, TypeError) as error:
        return _found(head, head.number + 1, _unreadable(error))
    return Checked(head=head, problem=None)


def _lost(head: Head, row: Row[queries.Columns] | None) -> str | None:
    """Return what is wrong with the entry that a head was taken of; None where it is still that."""
    if row is None:
        return ENDS_BEFORE
    if row.number != head.number:
        return "it is missing"
    if row.sha256 != head.sha256:
        return NOT_KEPT
    before = Head(number=head.number - 1, sha256=row.previous_sha256)
    return _complaint(row, before)


def _merged(recorded: Iterable[Head], expected: Head | None) -> Iterator[Head]:
    return heapq.merge(recorded, [expected] if expected else [], key=lambda head: head.number)


def _unreadable(error: Exception) -> str:
    return f"it, or one of the {queries.AT_ONCE} after it, cannot be read: {error}"


def _found(head: Head, number: int, message: str) -> Checked:
    return Checked(head=head, problem=Problem(number=number, message=message))


def _complaint(row: Row[queries.Columns], head: Head) -> str | None:
    """Return the first thing that is wrong with an entry, also where it holds what its columns cannot."""
    try:
        return next(_complaints(row, head), None)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        return f"it cannot be read: {error}"


def _complaints(row: Row[queries.Columns], head: Head) -> Generator[str]:
    if row.number != head.number + 1:
        yield f"entry {head.number + 1} is missing before it"
    if row.previous_sha256 != head.sha256:
        yield "it does not follow the entry before it"
    if row.sha256 != entry_digest(row.previous_sha256, as_plain(row)):
        yield "it was changed"
    if not _fits(row):
        yield "its origin was changed"


def _fits(row: Row[queries.Columns]) -> bool:
    """Tell whether an origin is the one of its digest, or was erased."""
    if row.origin is None or row.origin_salt is None:
        return row.origin is row.origin_salt
    return bool(row.origin_sha256 == origin_digest(row.origin_salt, row.origin))
