"""Many attempts at once: what is known of them, and that the cluster said it again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Base, Evaluation, Job

Words = tuple[object, ...]
"""State, the cluster's word and reason, nodes, its number there, when it is expected and when it started."""


def words_of(session: Session, tokens: Sequence[str]) -> dict[str, Words]:
    """Return what is written down of what the cluster said, by token."""
    rows = session.execute(
        select(
            Attempt.token,
            Attempt.state,
            Attempt.raw_state,
            Attempt.raw_reason,
            Attempt.nodes,
            Attempt.cluster_job_id,
            Attempt.expected_at,
            Attempt.started_at,
        ).where(Attempt.token.in_(tokens))
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def locked(session: Session, tokens: Sequence[str]) -> list[Base]:
    """Lock attempts and the evaluations that they are for, and read them with their jobs. Two statements."""
    rows = session.execute(
        select(Attempt, Job)
        .join(Job, Job.id == Attempt.job_id)
        .where(Attempt.token.in_(tokens))
        .order_by(Attempt.token)
        .with_for_update(of=Attempt)
    ).all()
    named = {job.evaluation_id for _, job in rows} - {None}
    evaluations = session.scalars(
        select(Evaluation).where(Evaluation.id.in_(named)).order_by(Evaluation.id).with_for_update()
    )
    return [*(one for row in rows for one in row), *evaluations]


def confirm(session: Session, tokens: Sequence[str], *, now: datetime) -> None:
    """Write down that the cluster has these attempts, and says of them what it said before."""
    session.execute(
        update(Attempt)
        .where(Attempt.token.in_(tokens))
        .values(confirmed_at=now, absent_since=None)
        .execution_options(synchronize_session=False)
    )


def not_seen(session: Session, tokens: Sequence[str], *, now: datetime) -> None:
    """Write down that the cluster does not have these attempts, where that is new."""
    session.execute(
        update(Attempt)
        .where(Attempt.token.in_(tokens), Attempt.absent_since.is_(None))
        .values(absent_since=now)
        .execution_options(synchronize_session=False)
    )


def absent_since(session: Session, tokens: Sequence[str]) -> dict[str, datetime]:
    """Return since when the cluster has not had these attempts."""
    rows = session.execute(
        select(Attempt.token, Attempt.absent_since).where(Attempt.token.in_(tokens))
    )
    return {token: since for token, since in rows if since is not None}
