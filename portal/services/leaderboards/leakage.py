"""How much the answers of a challenge's phases could carry, for those who set its limits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Board as BoardRow
from portal.db.tables import Challenge, Phase, PhaseTask, Task
from portal.domain.accounts.people import Actor
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.errors import NotFoundError
from portal.domain.evaluations.separation import Separation, separation_of
from portal.domain.leaderboards.leakage import Bits, Channel, bits, bits_of
from portal.domain.leaderboards.scores import Column
from portal.domain.leaderboards.standings import Board
from portal.domain.permissions import Audience
from portal.domain.submissions.disclosure import SPARED
from portal.domain.submissions.limits import SubmissionKind
from portal.services.challenges.context import Frame, look_up
from portal.services.evaluations import snapshots
from portal.services.leaderboards.boards import as_board, as_columns
from portal.services.leaderboards.open_boards import audience_of
from portal.services.submissions import extra_tries
from portal.services.submissions.disclosure import FEEDBACK_SCORES

_SEEN_BY_TEAMS = frozenset({Audience.PUBLIC, Audience.PARTICIPANTS, Audience.OWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLeaks:
    """A phase, what its teams are shown, and how much that could carry."""

    slug: str
    title: str
    channel: Channel
    bits: Bits
    separation: Separation
    """What keeps its runs on private data from having runs beside them that tell more than scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLeak:
    """How much one score of a column can carry."""

    title: str
    bits: float
    is_bounded: bool
    """Whether its values have both bounds: without, it counts as much as a number can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPage:
    """What organisers see of their challenge's leaks."""

    frame: Frame
    eta: float | None
    phases: tuple[PhaseLeaks, ...]
    columns: tuple[ColumnLeak, ...]
    """Those that some team sees, the one that tells most first."""
    data: int | None
    """Bytes of the private data, as far as it was measured; None: nothing was."""


def leak_page(
    session: Session, *, actor: Actor, slug: str, resources: Resources, now: datetime
) -> LeakPage:
    """Return the bounds of all phases; raise ``NotFoundError`` for whoever may not review."""
    visible = look_up(session, actor=actor, slug=slug, now=now, with_boards=True)
    if not visible.frame.may_review:
        raise NotFoundError
    challenge = visible.challenge
    boards = _boards(challenge)
    tasks = _tasks(session, challenge.phases)
    limits = _time_limits(tasks, challenge.phases, resources)
    tellers = _tellers(session, resources)
    given = extra_tries.most_given(session, [phase.id for phase in challenge.phases])
    phases = []
    for phase in challenge.phases:
        here = [one for one in boards if phase.slug in one.row.phases]
        ladder = next((one.board.ladder for one in here if one.board.ladder), None)
        scored = {task.id for task in tasks[phase.id]}
        channel = Channel(
            columns=[one for one in _seen(phase, here) if one.task is None or one.task in scored],
            sealed=phase.is_sealed,
            time_limit=limits[phase.id],
            time_step=timedelta(seconds=phase.time_step),
            held=phase.is_sealed and phase.hold_results,
            attempts=_attempts(phase, given.get(phase.id, 0)),
            eta=ladder.eta if ladder else None,
        )
        phases.append(
            PhaseLeaks(
                slug=phase.slug,
                title=phase.title,
                channel=channel,
                bits=bits(channel),
                separation=separation_of(_readers(phase, tasks[phase.id], resources), tellers),
            )
        )
    return LeakPage(
        frame=visible.frame,
        eta=next((one.channel.eta for one in phases if one.channel.eta is not None), None),
        phases=tuple(phases),
        columns=_columns(phases),
        data=_measured(session, tasks, resources),
    )


def _columns(phases: Sequence[PhaseLeaks]) -> tuple[ColumnLeak, ...]:
    seen = {column.key: column for phase in phases for column in phase.channel.columns}
    found = [
        ColumnLeak(
            title=column.title,
            bits=bits_of(column),
            is_bounded=column.minimum is not None and column.maximum is not None,
        )
        for column in seen.values()
    ]
    return tuple(sorted(found, key=lambda one: -one.bits))


def _measured(
    session: Session, tasks: Mapping[str, Sequence[Task]], resources: Resources
) -> int | None:
    names = {
        (name, task.cluster)
        for some in tasks.values()
        for task in some
        for name in (task.input_data, task.truth_data)
    }
    found = [snapshots.current(session, resources.data.get(name), at) for name, at in sorted(names)]
    sizes = [one.size for one in found if one is not None and one.size is not None]
    return sum(sizes) if sizes else None


@dataclass(frozen=True, slots=True)
class _Board:
    """A board with its rules."""

    row: BoardRow
    board: Board
    audience: Audience


def _boards(challenge: Challenge) -> list[_Board]:
    phases = {phase.slug: phase.leaderboard for phase in challenge.phases}
    rows = [row for row in challenge.boards if row.frozen_of is None]
    return [
        _Board(
            row,
            as_board(challenge, row, as_columns(challenge, row.columns), None),
            audience_of(row, [phases[slug] for slug in row.phases]),
        )
        for row in rows
    ]


def _seen(phase: Phase, boards: Sequence[_Board]) -> Sequence[Column]:
    """Return the columns whose scores a team sees while the phase is open, on its own pages or on any board."""
    found: dict[str, Column] = {}
    for one in boards:
        columns = [column for column in one.board.columns if _opens_in(phase, column)]
        if phase.feedback != FEEDBACK_SCORES:
            columns = [column for column in columns if _is_on(one, column, phase)]
        for column in columns:
            # Of several boards the one with the Ladder says which column that is about.
            if column.key not in found or column.primary:
                found[column.key] = column
    return list(found.values())


def _is_on(one: _Board, column: Column, phase: Phase) -> bool:
    """Whether a board shows a column to teams while the phase is open."""
    row = one.row
    if one.audience not in _SEEN_BY_TEAMS:
        return False
    if row.reveal_at is not None and not _is_before_last(row.reveal_at, phase):
        return False
    ranking = [other for other in one.board.columns if other.key in one.board.ranks_by.keys]
    return all(_opens_in(phase, other) for other in ranking) and (
        not row.shown or column.key in row.shown
    )


def _opens_in(phase: Phase, column: Column) -> bool:
    return not column.private or (
        column.reveal_at is not None and _is_before_last(column.reveal_at, phase)
    )


def _attempts(phase: Phase, given: int) -> int | None:
    """Return how many submissions of one team are answered in the whole phase.

    Those that count, the spared ones, and as many as organisers have ``given`` a team beside the limits.
    """
    last = _last(phase)
    # One more than there are: a phase can begin in the middle of a day, or of a week.
    days, weeks = (
        math.ceil((last - phase.starts_at) / timedelta(days=one)) + 1 if last else None
        for one in (1, 7)
    )
    bounds = [
        limit * times
        for limit, times in ((phase.total, 1), (phase.per_day, days), (phase.per_week, weeks))
        if limit is not None and times is not None
    ]
    if not bounds:
        return None
    attempts = min(bounds) + given
    if phase.is_sealed:
        return attempts + SPARED
    # What fails counts apart, and is an answer all the same. Where failures are sealed only what has read nothing does.
    if phase.failed_per_day is None:
        return attempts
    return attempts + phase.failed_per_day * days if days is not None else None


def _last(phase: Phase) -> datetime | None:
    """Return until when something is taken, late submissions included; None without an end."""
    return phase.late_until if phase.takes_late else phase.ends_at


def _is_before_last(reveal_at: datetime, phase: Phase) -> bool:
    """Whether teams still submit to a phase when something is revealed."""
    last = _last(phase)
    return last is None or reveal_at < last


def _tasks(session: Session, phases: Sequence[Phase]) -> Mapping[str, Sequence[Task]]:
    """Return the tasks of each phase."""
    rows = session.execute(
        select(PhaseTask.phase_id, Task)
        .join(Task, Task.id == PhaseTask.task_id)
        .where(PhaseTask.phase_id.in_([phase.id for phase in phases]))
    ).all()
    return {phase.id: [task for owner, task in rows if owner == phase.id] for phase in phases}


def _readers(phase: Phase, tasks: Sequence[Task], resources: Resources) -> list[Profile]:
    """List the profiles in which runs of a phase read private data; those that the site still has."""
    runs = {SubmissionKind.IMAGE, SubmissionKind.CODE} & set(phase.kinds)
    names = [
        name
        for task in tasks
        for name in (task.score_profile, *([task.predict_profile] if runs else []))
    ]
    return [resources.profiles[name] for name in names if name in resources.profiles]


def _tellers(session: Session, resources: Resources) -> list[Profile]:
    """List the profiles of jobs that tell more than scores: builds, and runs on any challenge's sample."""
    predict = session.scalars(
        select(Task.predict_profile).where(Task.sample_sha256.is_not(None)).distinct()
    )
    names = {*resources.build_profiles.values(), *map(resources.sample_profile, predict)}
    return [resources.profiles[name] for name in sorted(names) if name in resources.profiles]


def _time_limits(
    tasks: Mapping[str, Sequence[Task]], phases: Sequence[Phase], resources: Resources
) -> dict[str, timedelta]:
    """Return how long a run of each phase can take with its scoring."""
    return {
        phase.id: sum(
            (one.time_limit for one in _readers(phase, tasks[phase.id], resources)), timedelta(0)
        )
        for phase in phases
    }
