"""All results of a challenge, or those of one submission, with what belongs to them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.db.tables import (
    NOT_A_RERUN,
    Blob,
    Challenge,
    Evaluation,
    Phase,
    Result,
    Standing,
    Submission,
    Task,
    Team,
)


class Scored(NamedTuple):
    """A result and what it is of."""

    result: Result
    evaluation: Evaluation
    submission: Submission
    blob: Blob
    team: Team
    phase: str
    task: str


class Placed(NamedTuple):
    """A standing and whose it is."""

    standing: Standing
    team: str


def challenge(session: Session, *, slug: str = "", challenge_id: str = "") -> Challenge | None:
    """Find a challenge by its slug or its id, with pages, phases and columns."""
    return session.scalar(
        select(Challenge)
        .where(or_(Challenge.slug == slug, Challenge.id == challenge_id))
        .options(
            selectinload(Challenge.pages),
            selectinload(Challenge.phases),
            selectinload(Challenge.columns),
        )
    )


def of_challenge(session: Session, challenge_id: str) -> Sequence[Scored]:
    """List the results of a challenge, oldest first, without what was only run to compare."""
    return _scored(session, Submission.challenge_id == challenge_id, NOT_A_RERUN, ~Team.is_dry_run)


def of_one(session: Session, wanted: str) -> Sequence[Scored]:
    """List the result of an evaluation, or those of a submission, with those of their reruns."""
    return _scored(
        session,
        or_(
            Evaluation.id == wanted,
            Evaluation.submission_id == wanted,
            Evaluation.rerun_of == wanted,
        ),
    )


def _scored(session: Session, *which: ColumnElement[bool]) -> Sequence[Scored]:
    rows = session.execute(
        select(Result, Evaluation, Submission, Blob, Team, Phase.slug, Task.slug)
        .join(Evaluation, Evaluation.id == Result.evaluation_id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Blob, Blob.sha256 == Submission.blob_sha256)
        .join(Team, Team.id == Submission.team_id)
        .join(Phase, Phase.id == Submission.phase_id)
        .join(Task, Task.id == Evaluation.task_id)
        .where(*which)
        .order_by(Result.created_at, Evaluation.id)
    )
    return [Scored(*row) for row in rows]


def board(session: Session, board_id: str) -> Sequence[Placed]:
    """List the standings of a board, in the order of what ranks first."""
    rows = session.execute(
        select(Standing, Team.name)
        .join(Team, Team.id == Standing.team_id)
        .where(Standing.board_id == board_id, ~Team.is_dry_run)
        .order_by(Standing.rank_value.desc(), Standing.achieved_at, Standing.team_id)
    )
    return [Placed(*row) for row in rows]
