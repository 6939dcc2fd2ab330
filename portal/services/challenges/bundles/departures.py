"""What goes with a phase or a task that a bundle no longer has. One that has submissions stays."""

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from portal.db.tables import (
    Base,
    Circular,
    Column,
    Evaluation,
    ExtraTries,
    Phase,
    PhaseAdmission,
    PhaseTask,
    Submission,
    Task,
)
from portal.domain.errors import ParticipantError


def let_go(session: Session, row: Base, name: str) -> None:
    """Remove what refers to a row that is to be deleted. Raises ``ParticipantError`` for one that has submissions."""
    if isinstance(row, Phase):
        _check_unused(session, Submission.phase_id == row.id, f"phase '{name}'")
        for table in (PhaseTask, PhaseAdmission, ExtraTries):
            session.execute(delete(table).where(table.phase_id == row.id))
        session.execute(update(Circular).where(Circular.phase_id == row.id).values(phase_id=None))
    elif isinstance(row, Task):
        _check_unused(session, Evaluation.task_id == row.id, f"task '{name}'")
        session.execute(delete(PhaseTask).where(PhaseTask.task_id == row.id))
        # The bundle says anew of which task a column is.
        session.execute(update(Column).where(Column.task_id == row.id).values(task_id=None))


def _check_unused(session: Session, refers: ColumnElement[bool], what: str) -> None:
    if session.scalar(select(exists().where(refers))):
        raise ParticipantError(f"{what} has submissions and cannot go", reason="used")
