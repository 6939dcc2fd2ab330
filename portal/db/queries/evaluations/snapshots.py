"""Measurements of data: what there is, and what is missing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, union
from sqlalchemy.orm import Session

from portal.db.tables import DataSnapshot, Phase, PhaseTask, Task
from portal.domain.evaluations.states import SnapshotState


def names_in_use(session: Session, cluster: str, *, now: datetime) -> set[str]:
    """List the data that tasks of a cluster read whose phases are not over."""
    current = (
        select(PhaseTask.task_id)
        .join(Phase, Phase.id == PhaseTask.phase_id)
        .where(
            or_(
                Phase.ends_at > now,
                Phase.takes_late & (Phase.late_until.is_(None) | (Phase.late_until > now)),
            )
        )
    )
    here = (Task.cluster == cluster, Task.id.in_(current))
    both = union(select(Task.input_data).where(*here), select(Task.truth_data).where(*here))
    return {name for name in session.scalars(both) if name}


def newest(session: Session, cluster: str) -> dict[str, DataSnapshot]:
    """Return the last measurement of each name on a cluster, whatever came of it."""
    last = (
        select(func.max(DataSnapshot.id))
        .where(DataSnapshot.cluster == cluster)
        .group_by(DataSnapshot.name)
    )
    rows = session.scalars(select(DataSnapshot).where(DataSnapshot.id.in_(last)))
    return {row.name: row for row in rows}


def newest_and_last_ready(session: Session, cluster: str) -> Sequence[DataSnapshot]:
    """List the last measurement of each name on a cluster, and the last of each name and place that worked, oldest first."""
    last = (
        select(func.max(DataSnapshot.id))
        .where(DataSnapshot.cluster == cluster)
        .group_by(DataSnapshot.name)
    )
    ready = (
        select(func.max(DataSnapshot.id))
        .where(DataSnapshot.cluster == cluster, DataSnapshot.state == SnapshotState.READY)
        .group_by(DataSnapshot.name, DataSnapshot.path)
    )
    return session.scalars(
        select(DataSnapshot)
        .where(or_(DataSnapshot.id.in_(last), DataSnapshot.id.in_(ready)))
        .order_by(DataSnapshot.id)
    ).all()


def waiting(session: Session, cluster: str) -> Sequence[DataSnapshot]:
    """List measurements that no job was opened for, oldest first."""
    return session.scalars(
        select(DataSnapshot)
        .where(DataSnapshot.cluster == cluster, DataSnapshot.state == SnapshotState.WAITING)
        .order_by(DataSnapshot.id)
        .with_for_update(skip_locked=True)
    ).all()


def ready(session: Session, *, name: str, cluster: str, limit: int = 1) -> Sequence[DataSnapshot]:
    """List the last measurements of a directory that worked, newest first."""
    return session.scalars(
        select(DataSnapshot)
        .where(
            DataSnapshot.name == name,
            DataSnapshot.cluster == cluster,
            DataSnapshot.state == SnapshotState.READY,
        )
        .order_by(DataSnapshot.id.desc())
        .limit(limit)
    ).all()


def every(session: Session) -> Sequence[DataSnapshot]:
    """List the last measurement of each name on each cluster."""
    last = select(func.max(DataSnapshot.id)).group_by(DataSnapshot.name, DataSnapshot.cluster)
    return session.scalars(
        select(DataSnapshot)
        .where(DataSnapshot.id.in_(last))
        .order_by(DataSnapshot.name, DataSnapshot.cluster)
    ).all()
