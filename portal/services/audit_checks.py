"""Reading the audit log from its first entry to its last, and finding the first thing wrong."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Row
from sqlalchemy.orm import Session

from portal.db.queries import audit as queries
from portal.domain.audit import START, entry_digest, origin_digest
from portal.services.audit import as_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A place in the log: what is kept elsewhere, so that a log whose end was cut off shows."""

    number: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.number}:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first thing that is wrong."""

    number: int
    """Of the entry where it shows."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far the log holds; with a problem, up to the entry before it."""

    head: Head
    problem: Problem | None


EMPTY = Head(number=0, sha256=START)


def verify(session: Session, *, expected: Head | None = None) -> Checked:
    """Check every entry; memory does not grow with the log.

    ``expected`` is a head that was kept elsewhere: the log must still have it.
    """
    head = EMPTY
    unmet = expected if expected != EMPTY else None
    try:
        with closing(queries.every_entry(session)) as rows:
            for row in rows:
                if sentence := next(_complaints(row, head), None):
                    return _found(head, row.number, sentence)
                head = Head(number=row.number, sha256=row.sha256)
                if unmet is not None and head.number == unmet.number:
                    if head != unmet:
                        return _found(head, head.number, "it is not the entry that was kept")
                    unmet = None
    except (ValueError, LookupError, TypeError) as error:
        sentence = f"it, or one of the {queries.AT_ONCE} after it, cannot be read: {error}"
        return _found(head, head.number + 1, sentence)
    if unmet is not None:
        return _found(head, head.number + 1, "the log ends before the entry that was kept")
    return Checked(head=head, problem=None)


def _found(head: Head, number: int, sentence: str) -> Checked:
    return Checked(head=head, problem=Problem(number=number, sentence=sentence))


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
