"""Logs of runs, and which of them were released."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import NOT_A_RERUN, Attempt, Evaluation, Job, LogRelease, RunLog
from portal.domain.evaluations.jobs import JobKind


class LoggedAttempt(NamedTuple):
    """An attempt of a submission of which there is a log."""

    kind: JobKind
    number: int
    is_released: bool


class ReleasedStream(NamedTuple):
    """A stream that the team may see."""

    token: str
    kind: JobKind
    number: int
    released_at: datetime
    reason: str
    stream: str
    text: str
    truncated: bool


def logged_attempt(session: Session, submission_id: str, token: str) -> LoggedAttempt | None:
    """Find an attempt of a submission's own evaluations; None for any other, and without a log."""
    row = session.execute(
        select(Job.kind, Attempt.number, LogRelease.attempt_token.is_not(None))
        .join(Job, Job.id == Attempt.job_id)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .join(RunLog, RunLog.attempt_token == Attempt.token)
        .outerjoin(LogRelease, LogRelease.attempt_token == Attempt.token)
        .where(
            Attempt.token == token,
            Evaluation.submission_id == submission_id,
            NOT_A_RERUN,
        )
        .limit(1)
    ).one_or_none()
    return None if row is None else LoggedAttempt(row[0], row[1], bool(row[2]))


def released(session: Session, submission_id: str) -> Sequence[ReleasedStream]:
    """List the released streams of a submission, by attempt, standard output first."""
    rows = session.execute(
        select(
            Attempt.token,
            Job.kind,
            Attempt.number,
            LogRelease.released_at,
            LogRelease.reason,
            RunLog.stream,
            RunLog.text,
            RunLog.truncated,
        )
        .join(Job, Job.id == Attempt.job_id)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .join(RunLog, RunLog.attempt_token == Attempt.token)
        .join(LogRelease, LogRelease.attempt_token == Attempt.token)
        .where(Evaluation.submission_id == submission_id)
        .order_by(Attempt.token, RunLog.stream.desc())
    )
    return [ReleasedStream(*row) for row in rows]
