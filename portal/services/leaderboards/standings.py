"""Which submission stands for a team on each board, kept with every new result, every mark and every choice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from portal.db.queries.challenges import dry_runs
from portal.db.queries.evaluations import work
from portal.db.tables import (
    NOT_A_RERUN,
    Evaluation,
    Membership,
    Organiser,
    Phase,
    PhaseTask,
    Pick,
    Result,
    Standing,
    Submission,
    SubmissionMark,
    Team,
)
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.standings import Board, Scored, Standings, Stands, settle
from portal.services.leaderboards.boards import Rules, rules_of


def lock(session: Session, submission_id: str) -> Submission:
    """Lock a submission, and what stands for its team, and read where it is now.

    Results, marks and choices of a team come one after the other, as a board can span phases: each takes the row of
    the team's first submission before it looks at the others. Mergers of teams take all of them, in the same order.
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
    """Let a submission stand for its team if the rules say so and all its tasks are scored."""
    phase = session.get_one(Phase, submission.phase_id)
    by_task = _by_task(session, submission, phase)
    if by_task is None:
        return
    rules = rules_of(session, submission.challenge_id)
    here = [one for one in rules.boards if phase.slug in one.phases]
    is_of_dry_run = session.get_one(Team, submission.team_id).is_dry_run
    is_step = all(one.is_incremental for one in here) and not is_of_dry_run
    if not is_step or _has_marks(session, submission):
        settle_again(session, submission)
        return
    scored = Scored(
        submission_id=submission.id,
        exact=scores.exact(by_task, rules.columns),
        created_at=submission.created_at,
    )
    submission.shown = None
    for one in here:
        row = session.get(Standing, (one.id, submission.team_id, 0), with_for_update=True)
        standings = _as_it_is(one.board, row)
        standings.add(scored)
        _keep_shown([submission], standings)
        _write(session, (one.id, submission.team_id), standings, [] if row is None else [row])


def settle_again(session: Session, submission: Submission) -> None:
    """Work out again what stands for the team of a submission, on every board."""
    _settle(
        session,
        submission.challenge_id,
        of=(Submission.team_id == submission.team_id,),
        rows=(Standing.team_id == submission.team_id,),
    )


def rebuild(session: Session, challenge_id: str) -> None:
    """Work out every standing of a challenge again, as if its results came in anew."""
    teams = select(Team.id).where(Team.challenge_id == challenge_id)
    _settle(
        session,
        challenge_id,
        of=(Submission.challenge_id == challenge_id,),
        rows=(Standing.team_id.in_(teams),),
    )


def rebuild_team(session: Session, team_id: str) -> None:
    """Work out what stands for one team again, on every board, from all that it has submitted."""
    # Its submissions may have been moved by a statement.
    session.expire_all()
    _settle(
        session,
        session.get_one(Team, team_id).challenge_id,
        of=(Submission.team_id == team_id,),
        rows=(Standing.team_id == team_id,),
    )


def follow_roles(session: Session, challenge_id: str, person_id: str) -> None:
    """Bring up to date what stands for the team of a person who has another role in the challenge now."""
    team_id = session.scalar(
        select(Membership.team_id).where(
            Membership.challenge_id == challenge_id, Membership.person_id == person_id
        )
    )
    if team_id is not None:
        follow_members(session, challenge_id, team_id)


def follow_members(session: Session, challenge_id: str, team_id: str) -> None:
    """Bring up to date what stands for a team with other members: some boards give organisers no rank."""
    if all(one.ranks_organisers for one in rules_of(session, challenge_id).boards):
        return
    first = session.scalar(
        select(Submission.id)
        .where(Submission.challenge_id == challenge_id, Submission.team_id == team_id)
        .limit(1)
    )
    if first is not None:
        settle_again(session, lock(session, first))


@dataclass(slots=True)
class _Complete:
    """A submission, as far as it is scored."""

    submission: Submission
    phase: str
    by_task: dict[str, dict[str, float]] = field(default_factory=dict)
    last_at: datetime | None = None
    is_missing: bool = False

    def add(self, task_id: str, result: Result | None) -> None:
        """Add what came of one task."""
        self.by_task[task_id] = {}
        if result is None:
            self.is_missing = True
            return
        self.by_task[task_id] = result.scores
        self.last_at = max(self.last_at or result.created_at, result.created_at)


@dataclass(frozen=True, slots=True)
class _Material:
    """All that decides what stands for some teams."""

    rules: Rules
    results: Mapping[str, Sequence[_Complete]]
    """Complete submissions by team, in the order in which that came."""
    marks: Mapping[str, frozenset[Mark]]
    picks: frozenset[tuple[str, str]]
    """Boards with the submissions that were chosen for them."""
    organisers: frozenset[str]
    """Teams of those who work for the challenge."""


def _settle(
    session: Session,
    challenge_id: str,
    *,
    of: Sequence[ColumnElement[bool]],
    rows: Sequence[ColumnElement[bool]],
) -> None:
    session.flush()
    found = _material(session, challenge_id, of)
    standing: dict[tuple[str, str], list[Standing]] = {}
    for row in session.scalars(
        select(Standing)
        .where(*rows)
        .order_by(Standing.board_id, Standing.team_id, Standing.place)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        standing.setdefault((row.board_id, row.team_id), []).append(row)
    for team_id, results in found.results.items():
        for one in results:
            one.submission.shown = None
        for rule in found.rules.boards:
            here = [one for one in results if one.phase in rule.phases and rule.holds(one.last_at)]
            settled = settle(
                [_scored(one, rule.picks_of, found) for one in here],
                rule.board,
                is_eligible=rule.ranks_organisers or team_id not in found.organisers,
            )
            if rule.frozen_of is None:
                _keep_shown([one.submission for one in here], settled)
            key = (rule.id, team_id)
            _write(session, key, settled, standing.pop(key, []))
    for gone in standing.values():
        for row in gone:
            session.delete(row)
    session.flush()


def _material(session: Session, challenge_id: str, of: Sequence[ColumnElement[bool]]) -> _Material:
    rules = rules_of(session, challenge_id)
    results: dict[str, list[_Complete]] = {}
    for one in _complete(session, of, _tasks(session, challenge_id)):
        results.setdefault(one.submission.team_id, []).append(one)
    return _Material(
        rules=rules,
        results=results,
        marks=_marks(session, of),
        picks=_picks(session, of),
        organisers=_organisers(session, challenge_id),
    )


def _scored(one: _Complete, picks_of: str, found: _Material) -> Scored:
    row = one.submission
    return Scored(
        submission_id=row.id,
        exact=scores.exact(one.by_task, found.rules.columns),
        created_at=row.created_at,
        marks=found.marks.get(row.id, frozenset()),
        is_picked=(picks_of, row.id) in found.picks,
    )


def _complete(
    session: Session, of: Sequence[ColumnElement[bool]], tasks: Mapping[str, set[str]]
) -> list[_Complete]:
    """List what counts, in the order in which it came.

    The Ladder shows what climbs above what was shown before: in another order it would show more.
    """
    found: dict[str, _Complete] = {}
    statement = (
        select(Submission, Phase.slug, Evaluation.task_id, Result)
        .join(Phase, Phase.id == Submission.phase_id)
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
    for row, phase, task_id, result in session.execute(statement):
        found.setdefault(row.id, _Complete(row, phase)).add(task_id, result)
    return sorted(
        (
            one
            for one in found.values()
            if not one.is_missing and set(one.by_task) == tasks.get(one.submission.phase_id)
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


def _picks(session: Session, of: Sequence[ColumnElement[bool]]) -> frozenset[tuple[str, str]]:
    rows = session.execute(
        select(Pick.board_id, Pick.submission_id)
        .join(Submission, Submission.id == Pick.submission_id)
        .where(*of)
    )
    return frozenset((board_id, submission_id) for board_id, submission_id in rows)


def _organisers(session: Session, challenge_id: str) -> frozenset[str]:
    return frozenset(
        session.scalars(
            select(Membership.team_id)
            .join(Organiser, Organiser.person_id == Membership.person_id)
            .where(Membership.challenge_id == challenge_id, Organiser.challenge_id == challenge_id)
        )
    )


def _has_marks(session: Session, submission: Submission) -> bool:
    """Whether anything of the team is marked: then a new result does not count by itself."""
    marked = (
        select(SubmissionMark.submission_id)
        .join(Submission, Submission.id == SubmissionMark.submission_id)
        .where(
            Submission.challenge_id == submission.challenge_id,
            Submission.team_id == submission.team_id,
        )
    )
    return bool(session.scalar(select(exists(marked))))


def _first_beside(submission_id: str) -> Select[str]:
    mine, theirs = aliased(Submission), aliased(Submission)
    return (
        select(theirs.id)
        .join(
            mine,
            (mine.challenge_id == theirs.challenge_id) & (mine.team_id == theirs.team_id),
        )
        .where(mine.id == submission_id)
        .order_by(theirs.created_at, theirs.id)
        .limit(1)
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


def _keep_shown(submissions: Iterable[Submission], found: Standings) -> None:
    """Write down what the Ladder shows of each submission; a phase is on one board only that has it."""
    for submission in submissions:
        if (shown := found.shown.get(submission.id)) is not None:
            submission.shown = dict(shown)


def _write(
    session: Session, key: tuple[str, str], found: Standings, rows: Sequence[Standing]
) -> None:
    stands = found.rows()
    board_id, team_id = key
    for place, one in enumerate(stands):
        row = rows[place] if place < len(rows) else None
        if row is None:
            row = Standing(board_id=board_id, team_id=team_id, place=place)
            session.add(row)
        row.submission_id = one.submission_id
        row.scores = dict(one.scores)
        row.rank_value = one.value
        row.achieved_at = one.achieved_at
        row.is_unranked = not one.is_ranked
        row.is_verified = one.is_verified
        row.is_picked = one.is_picked
    for row in rows[len(stands) :]:
        session.delete(row)


def _by_task(
    session: Session, submission: Submission, phase: Phase
) -> dict[str, dict[str, float]] | None:
    """Return the scores of each task; None while one is missing."""
    evaluations = work.evaluations_of_phase_submission(session, submission.id)
    found: dict[str, dict[str, float]] = {}
    for evaluation in evaluations:
        if evaluation.result is None:
            return None
        found[evaluation.task_id] = evaluation.result.scores
    return found if set(found) == work.tasks_of_phase(session, phase.id) else None
