"""Counts the transactions that change what boards show, whatever service has written them.

What was put together of a revision is right as long as that is the newest one: a page that is shown to everybody need
not be put together for each of them.
"""

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from portal.db.tables import (
    Base,
    Board,
    Challenge,
    Column,
    Membership,
    Page,
    Person,
    Phase,
    PhaseTask,
    Revision,
    Standing,
    Team,
)

BOARDS = "boards"
SHOWN: frozenset[type[Base]] = frozenset(
    {Board, Challenge, Column, Membership, Page, Person, Phase, PhaseTask, Standing, Team}
)
"""What the leaderboards of all challenges are made of, with the head of their pages."""
_CHANGED = "boards changed"


def follow(session: Session) -> None:
    """Notice what a session of ``Database.writing`` changes of what is shown."""
    event.listen(session, "after_flush", _note_flush)
    event.listen(session, "do_orm_execute", _note_statement)


def count(session: Session) -> None:
    """Begin a new revision if something shown has changed.

    The last act of a transaction, after all other locks: two that wait for each other here wait for nothing else.
    """
    session.flush()
    if not session.info.get(_CHANGED):
        return
    next_one = update(Revision).where(Revision.name == BOARDS).values(number=Revision.number + 1)
    if not session.execute(next_one.execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
        session.execute(insert(Revision).values(name=BOARDS, number=1))


def touch(session: Session) -> None:
    """Say that something shown changes which is kept in none of these tables: what a team has answered."""
    session.info[_CHANGED] = True


def revision(session: Session) -> int:
    """Return the revision that is shown now; 0 before the first. One query."""
    return session.scalar(select(Revision.number).where(Revision.name == BOARDS)) or 0


def _note_flush(session: Session, _flush: UOWTransaction) -> None:
    if any(type(row) in SHOWN for row in (*session.new, *session.dirty, *session.deleted)):
        session.info[_CHANGED] = True


def _note_statement(state: ORMExecuteState) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    if writes and state.bind_mapper is not None and state.bind_mapper.class_ in SHOWN:
        state.session.info[_CHANGED] = True
