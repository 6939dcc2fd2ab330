"""Dry runs of challenges, with what came of their submissions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.db.tables import DryRun, DryRunTrial, Evaluation, Submission, Team


def is_of_dry_run() -> ColumnElement[bool]:
    """Whether a submission is one of the portal's own teams: no list of what teams do has it."""
    return exists().where(Team.id == Submission.team_id, Team.is_dry_run)


def stands_as_baseline() -> ColumnElement[bool]:
    """Whether a submission of a dry run is shown on the board."""
    return exists().where(DryRunTrial.submission_id == Submission.id, DryRunTrial.stands)


def find(session: Session, challenge_id: str, number: int | None = None) -> DryRun | None:
    """Find a dry run of a challenge, the newest without a number."""
    statement = (
        select(DryRun)
        .where(DryRun.challenge_id == challenge_id)
        .options(joinedload(DryRun.person))
        .order_by(DryRun.number.desc())
        .limit(1)
    )
    return session.scalar(statement if number is None else statement.where(DryRun.number == number))


def trials_of(session: Session, dry_run_id: str) -> Sequence[DryRunTrial]:
    """List the submissions of a dry run with what came of them. Two queries."""
    return session.scalars(
        select(DryRunTrial)
        .where(DryRunTrial.dry_run_id == dry_run_id)
        .options(
            joinedload(DryRunTrial.submission).options(
                joinedload(Submission.phase),
                selectinload(Submission.evaluations).joinedload(Evaluation.result),
            )
        )
        .order_by(DryRunTrial.position)
    ).all()


def started_since(session: Session, challenge_id: str, since: datetime) -> int:
    """Count the dry runs of a challenge from a moment on."""
    statement = select(func.count()).where(
        DryRun.challenge_id == challenge_id, DryRun.started_at >= since
    )
    return session.scalar(statement) or 0


def standing_trials(session: Session, challenge_id: str) -> Sequence[DryRunTrial]:
    """List the submissions of a challenge's dry runs that the board shows."""
    return session.scalars(
        select(DryRunTrial)
        .join(DryRun, DryRun.id == DryRunTrial.dry_run_id)
        .where(DryRun.challenge_id == challenge_id, DryRunTrial.stands)
        .options(joinedload(DryRunTrial.submission))
    ).all()
