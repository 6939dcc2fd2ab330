"""Which submission stands for a team, kept with every new result and every mark."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.queries.challenges import dry_runs
from portal.db.queries.evaluations import work
from portal.db.tables import (
    NOT_A_RERUN,
    Challenge,
    Column,
    Evaluation,
    Phase,
    PhaseTask,
    Result,
    Standing,
    Submission,
    SubmissionMark,
    Team,
)
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.standings import Board, Scored, Standings, Stands, settle


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


def lock(session: Session, submission_id: str) -> Submission:
    """Lock a submission, and what stands for its team in its phase, and read where it is now.

    Results and marks of a team in a phase come one after the other: each takes the row of the first submission
    there before it looks at the others. Mergers of teams take all of them, in the same order.
    """
    while True:
        first = _first_beside(submission_id)
        locked = session.scalars(
            select(Submission)
            .where(Submission.id.in_((submission_id, first.scalar_subquery())))
            .order_by(Submission.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        # A merger may have moved it while this waited: then another one is the first.
        if session.scalar(first) in {row.id for row in locked}:
            return next(row for row in locked if row.id == submission_id)


def update(session: Session, submission: Submission) -> None:
    """Let a submission stand for its team if the rule says so and all its tasks are scored."""
    phase = session.get_one(Phase, submission.phase_id)
    exact = _exact(session, submission, phase)
    if exact is None:
        return
    if session.get_one(Team, submission.team_id).is_dry_run:
        settle_again(session, submission)
        return
    if _has_marks(session, submission):
        settle_again(session, submission)
        return
    challenge = session.get_one(Challenge, submission.challenge_id)
    row = work.standing(session, phase=phase, team_id=submission.team_id)
    standings = _as_it_is(_board(session, challenge), row)
    standings.add(
        Scored(submission_id=submission.id, exact=exact, created_at=submission.created_at)
    )
    _write(session, _Group(phase.id, submission.team_id, [submission]), standings, row)


def settle_again(session: Session, submission: Submission) -> None:
    """Work out again what stands for the team of a submission in its phase."""
    _settle(
        session,
        submission.challenge_id,
        of=(Submission.phase_id == submission.phase_id, Submission.team_id == submission.team_id),
        rows=(Standing.phase_id == submission.phase_id, Standing.team_id == submission.team_id),
    )


def rebuild(session: Session, challenge_id: str) -> None:
    """Work out every standing of a challenge again, as if its results came in anew."""
    phases = select(Phase.id).where(Phase.challenge_id == challenge_id)
    _settle(
        session,
        challenge_id,
        of=(Submission.challenge_id == challenge_id,),
        rows=(Standing.phase_id.in_(phases),),
    )


def rebuild_team(session: Session, team_id: str) -> None:
    """Work out what stands for one team again, in every phase, from all that it has submitted."""
    # Its submissions may have been moved by a statement.
    session.expire_all()
    _settle(
        session,
        session.get_one(Team, team_id).challenge_id,
        of=(Submission.team_id == team_id,),
        rows=(Standing.team_id == team_id,),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """A team in a phase, with submissions whose scores are complete, in the order in which that came."""

    phase_id: str
    team_id: str
    submissions: list[Submission] = field(default_factory=list)
    results: list[Scored] = field(default_factory=list)


@dataclass(slots=True)
class _Complete:
    """A submission, as far as it is scored."""

    submission: Submission
    tasks: set[str] = field(default_factory=set)
    exact: dict[str, float] = field(default_factory=dict)
    last_at: datetime | None = None
    is_missing: bool = False

    def add(self, task_id: str, result: Result | None) -> None:
        """Add what came of one task."""
        self.tasks.add(task_id)
        if result is None:
            self.is_missing = True
            return
        self.exact |= result.scores
        self.last_at = max(self.last_at or result.created_at, result.created_at)


def _settle(
    session: Session,
    challenge_id: str,
    *,
    of: Sequence[ColumnElement[bool]],
    rows: Sequence[ColumnElement[bool]],
) -> None:
    session.flush()
    board = _board(session, session.get_one(Challenge, challenge_id))
    standing = {
        (row.phase_id, row.team_id): row
        for row in session.scalars(
            select(Standing)
            .where(*rows)
            .order_by(Standing.phase_id, Standing.team_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    for group in _groups(session, challenge_id, of):
        row = standing.pop((group.phase_id, group.team_id), None)
        _write(session, group, settle(group.results, board), row)
    for row in standing.values():
        session.delete(row)
    session.flush()


def _groups(
    session: Session, challenge_id: str, of: Sequence[ColumnElement[bool]]
) -> Iterable[_Group]:
    """Collect what counts, by phase and team, in the order in which it came.

    The Ladder shows what climbs above what was shown before: in another order it would show more.
    """
    tasks = _tasks(session, challenge_id)
    marks = _marks(session, of)
    groups: dict[tuple[str, str], _Group] = {}
    for one in _complete(session, of, tasks):
        row = one.submission
        key = (row.phase_id, row.team_id)
        group = groups.setdefault(key, _Group(*key))
        group.submissions.append(row)
        group.results.append(
            Scored(
                submission_id=row.id,
                exact=one.exact,
                created_at=row.created_at,
                marks=marks.get(row.id, frozenset()),
            )
        )
    return groups.values()


def _complete(
    session: Session, of: Sequence[ColumnElement[bool]], tasks: Mapping[str, set[str]]
) -> list[_Complete]:
    found: dict[str, _Complete] = {}
    statement = (
        select(Submission, Evaluation.task_id, Result)
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .outerjoin(Result, Result.evaluation_id == Evaluation.id)
        .where(
            NOT_A_RERUN,
            ~Submission.is_smoke,
            or_(~dry_runs.is_of_dry_run(), dry_runs.stands_as_baseline()),
            *of,
        )
        .order_by(Submission.id, Evaluation.task_id, Evaluation.number)
    )
    for row, task_id, result in session.execute(statement):
        found.setdefault(row.id, _Complete(row)).add(task_id, result)
    return sorted(
        (
            one
            for one in found.values()
            if not one.is_missing and one.tasks == tasks.get(one.submission.phase_id)
        ),
        key=lambda one: (one.last_at, one.submission.id),
    )


def _tasks(session: Session, challenge_id: str) -> dict[str, set[str]]:
    """Return the tasks of each phase."""
    rows = session.execute(
        select(PhaseTask.phase_id, PhaseTask.task_id)
        .join(Phase, Phase.id == PhaseTask.phase_id)
        .where(Phase.challenge_id == challenge_id)
    )
    found: dict[str, set[str]] = {}
    for phase_id, task_id in rows:
        found.setdefault(phase_id, set()).add(task_id)
    return found


def _marks(session: Session, of: Sequence[ColumnElement[bool]]) -> dict[str, frozenset[Mark]]:
    rows = session.execute(
        select(SubmissionMark.submission_id, SubmissionMark.mark)
        .join(Submission, Submission.id == SubmissionMark.submission_id)
        .where(*of)
    )
    found: dict[str, frozenset[Mark]] = {}
    for submission_id, mark in rows:
        found[submission_id] = found.get(submission_id, frozenset()) | {mark}
    # A baseline of a dry run is on the board to be compared with: it takes nobody's rank.
    baselines = session.scalars(select(Submission.id).where(dry_runs.stands_as_baseline(), *of))
    for submission_id in baselines:
        found[submission_id] = found.get(submission_id, frozenset()) | {Mark.UNRANKED}
    return found


def _has_marks(session: Session, submission: Submission) -> bool:
    """Whether anything of the team in the phase is marked: then a new result does not count by itself."""
    marked = (
        select(SubmissionMark.submission_id)
        .join(Submission, Submission.id == SubmissionMark.submission_id)
        .where(Submission.phase_id == submission.phase_id, Submission.team_id == submission.team_id)
    )
    return bool(session.scalar(select(exists(marked))))


def _first_beside(submission_id: str) -> Select[str]:
    mine, theirs = aliased(Submission), aliased(Submission)
    return (
        select(theirs.id)
        .join(mine, (mine.phase_id == theirs.phase_id) & (mine.team_id == theirs.team_id))
        .where(mine.id == submission_id)
        .order_by(theirs.created_at, theirs.id)
        .limit(1)
    )


def _board(session: Session, challenge: Challenge) -> Board:
    eta = challenge.ladder_eta
    return Board(
        columns=columns_of(session, challenge.id),
        rule=challenge.rule,
        ladder=None if eta is None else Ladder(eta=eta),
    )


def _as_it_is(board: Board, row: Standing | None) -> Standings:
    """Return where a team is of which nothing is marked: what stands is what was shown last."""
    if row is None:
        return Standings(board=board)
    stands = Stands(
        submission_id=row.submission_id,
        scores=row.scores,
        value=row.rank_value,
        achieved_at=row.achieved_at,
    )
    return Standings(board=board, stands=stands, last=row.scores, last_of_all=row.scores)


def _write(session: Session, group: _Group, found: Standings, row: Standing | None) -> None:
    for submission in group.submissions:
        shown = found.shown.get(submission.id)
        submission.shown = None if shown is None else dict(shown)
    stands = found.stands
    if stands is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = Standing(phase_id=group.phase_id, team_id=group.team_id)
        session.add(row)
    row.submission_id = stands.submission_id
    row.scores = dict(stands.scores)
    row.rank_value = stands.value
    row.achieved_at = stands.achieved_at
    row.is_unranked = not stands.is_ranked
    row.is_verified = stands.is_verified


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
