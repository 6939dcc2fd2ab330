"""Which submission stands for a team, kept with every new result."""

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from portal.db.queries.evaluations import work
from portal.db.tables import (
    NOT_A_RERUN,
    Challenge,
    Column,
    Evaluation,
    Phase,
    Result,
    Standing,
    Submission,
)
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.scores import Rule


def columns_of(session: Session, challenge_id: str) -> list[scores.Column]:
    """Return the challenge's columns as the domain knows them, in their order."""
    rows = session.scalars(
        select(Column).where(Column.challenge_id == challenge_id).order_by(Column.position)
    )
    return [as_column(row) for row in rows]


def as_column(row: Column) -> scores.Column:
    """Return a row as the domain's value."""
    return scores.Column(
        key=row.key,
        title=row.title,
        sort=row.sort,
        precision=row.precision,
        minimum=row.minimum,
        maximum=row.maximum,
        primary=row.is_primary,
        private=row.private,
    )


def update(session: Session, submission: Submission) -> None:
    """Let a submission stand for its team if the rule says so and all its tasks are scored."""
    phase = session.get_one(Phase, submission.phase_id)
    challenge = session.get_one(Challenge, submission.challenge_id)
    columns = columns_of(session, challenge.id)
    exact = _exact(session, submission, phase)
    # Scores that are older than a column have no value for it, even where it ranks by now.
    if exact is None or scores.primary(columns).key not in exact:
        return
    standing = work.standing(session, phase=phase, team_id=submission.team_id)
    shown = scores.shown(exact, columns)
    submission.shown = None
    if challenge.ladder_eta is not None:
        before = standing.scores if standing is not None else None
        shown = Ladder(eta=challenge.ladder_eta).shows(exact, columns, before)
        submission.shown = shown
    column = scores.primary(columns)
    value = scores.rank_value(shown[column.key], column)
    if standing is None:
        standing = Standing(phase_id=phase.id, team_id=submission.team_id)
        session.add(standing)
    elif not _replaces(session, challenge.rule, submission, value, standing):
        return
    standing.submission_id = submission.id
    standing.scores = shown
    standing.rank_value = value
    standing.achieved_at = submission.created_at


def rebuild(session: Session, challenge_id: str) -> None:
    """Work out every standing of a challenge again, as if its results came in anew."""
    phases = select(Phase.id).where(Phase.challenge_id == challenge_id)
    session.execute(delete(Standing).where(Standing.phase_id.in_(phases)))
    scored = _scored().where(Submission.challenge_id == challenge_id)
    for submission in session.scalars(scored).all():
        update(session, submission)
        session.flush()


def rebuild_team(session: Session, team_id: str) -> None:
    """Work out what stands for one team again, in every phase, from all that it has submitted."""
    session.execute(delete(Standing).where(Standing.team_id == team_id))
    session.flush()
    session.expire_all()
    for submission in session.scalars(_scored().where(Submission.team_id == team_id)).all():
        update(session, submission)
        session.flush()


def _scored() -> Select[Submission]:
    """Select the submissions with a result, in the order in which those first came.

    The Ladder shows what climbs above what was shown before: in another order it would show more.
    """
    first = (
        select(Evaluation.submission_id, func.min(Result.created_at).label("at"))
        .join(Result, Result.evaluation_id == Evaluation.id)
        .where(NOT_A_RERUN)
        .group_by(Evaluation.submission_id)
        .subquery()
    )
    return (
        select(Submission)
        .join(first, first.c.submission_id == Submission.id)
        .order_by(first.c.at, Submission.id)
    )


def _exact(session: Session, submission: Submission, phase: Phase) -> dict[str, float] | None:
    """Merge the scores of all tasks; None while one is missing."""
    evaluations = work.evaluations_of_phase_submission(session, submission.id)
    merged: dict[str, float] = {}
    for evaluation in evaluations:
        if evaluation.result is None:
            return None
        merged |= evaluation.result.scores
    if {e.task_id for e in evaluations} != work.tasks_of_phase(session, phase.id):
        return None
    return merged


def _replaces(
    session: Session, rule: Rule, submission: Submission, value: float, standing: Standing
) -> bool:
    """Whether the submission takes the place of the one that stands now.

    Chosen is decided by the team, so a new result never replaces the choice.
    """
    if rule is Rule.BEST:
        return value > standing.rank_value
    if rule is Rule.LAST:
        current = session.get_one(Submission, standing.submission_id)
        return submission.created_at >= current.created_at
    return False
