"""The leaderboard of a phase, one page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import leaderboards as queries
from portal.db.queries.challenges import challenge_pages
from portal.db.tables import Phase
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.calendar import TimeWindow, current
from portal.domain.errors import NotFoundError
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.scores import Column, Rule
from portal.domain.leaderboards.sorting import BoardSort, read_sort
from portal.domain.pagination import PAGE_SIZE, Slice, page_with
from portal.domain.submissions.questions import Question
from portal.services.challenges.context import Frame, PhaseFacts, Visible, look_up
from portal.services.leaderboards.standings import as_column
from portal.services.submissions.questions.answers import AnswerFacts, on_boards, questions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A team's place."""

    position: int
    rank: int | None
    """None where it is shown without one."""
    team: str
    scores: dict[str, float]
    achieved_at: datetime
    is_own: bool
    submission_id: str | None
    """Only where the actor may open the submission."""
    is_verified: bool = False
    answers: tuple[AnswerFacts, ...] = ()
    """To the questions whose answers the board shows, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """One page of the ranking of one phase."""

    frame: Frame
    phases: tuple[PhaseFacts, ...]
    """Those whose leaderboard the actor may see."""
    phase: PhaseFacts | None
    rule: Rule
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    """Those whose answers it shows."""
    sort: BoardSort | None
    """By what it is sorted; None: as it ranks."""
    primary: Column | None
    rows: tuple[Row, ...]
    own: Row | None
    own_page: int | None
    pages: Slice
    changes_at: datetime | None
    """When it looks otherwise although nothing is written: a phase begins or ends, or a column is revealed."""


def leaderboard(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    phase_slug: str | None,
    page: int,
    now: datetime,
    sort: str = "",
    size: int = PAGE_SIZE,
) -> Leaderboard:
    """Return a page of the leaderboard; raise ``NotFoundError`` for a phase, page or column there is not."""
    visible = look_up(
        session, actor=actor, slug=slug, now=now, options=(challenge_pages.columns(),)
    )
    columns = visible_columns(
        [as_column(row) for row in visible.challenge.columns],
        is_revealed=is_revealed(visible.challenge.reveal_at, now),
        may_review=visible.frame.may_review,
    )
    # The order itself would tell the values of a private column.
    primary = next((column for column in columns if column.primary), None)
    boards = open_boards(actor, visible) if primary else []
    row, facts = _chosen(boards, phase_slug, now)
    order = read_sort(sort, columns)
    found = _rows(session, visible, row, page, size, order)
    listed = [r for r in found if page_with(r.position, size) == page]
    if page > 1 and not listed:
        raise NotFoundError
    asked = [one for one in questions_of(visible.challenge) if one.on_board]
    given = on_boards(session, asked, [one.submission_id for one in found])
    shown = [
        replace(_row(r, columns, visible), answers=given.get(r.submission_id, ())) for r in found
    ]
    own = next((r for r in shown if r.is_own), None)
    return Leaderboard(
        frame=visible.frame,
        phases=tuple(facts for _, facts in boards),
        phase=facts,
        rule=visible.challenge.rule,
        columns=tuple(columns),
        questions=tuple(asked),
        sort=order,
        primary=primary,
        rows=tuple(r for r in shown if page_with(r.position, size) == page),
        own=own,
        own_page=page_with(own.position, size) if own else None,
        pages=Slice(number=page, total=found[0].total if found else 0, size=size),
        changes_at=_changes_at(visible, now),
    )


def _changes_at(visible: Visible, now: datetime) -> datetime | None:
    moments = [
        moment
        for phase in visible.challenge.phases
        for moment in (phase.starts_at, phase.ends_at, phase.late_until)
        if moment is not None
    ]
    if visible.challenge.reveal_at is not None:
        moments.append(visible.challenge.reveal_at)
    return min((moment for moment in moments if moment > now), default=None)


def is_revealed(reveal_at: datetime | None, now: datetime) -> bool:
    """Whether the private columns have become public; without a time they never do."""
    return reveal_at is not None and now >= reveal_at


def visible_columns(
    columns: Sequence[Column], *, is_revealed: bool, may_review: bool
) -> list[Column]:
    """Return the columns that are open to the actor."""
    return [c for c in columns if may_review or is_revealed or not c.private]


def open_boards(actor: Actor, visible: Visible) -> list[tuple[Phase, PhaseFacts]]:
    """Return the phases whose leaderboard the actor may see."""
    pairs = zip(visible.challenge.phases, visible.frame.phases, strict=True)
    return [
        (row, facts)
        for row, facts in pairs
        if permissions.may_see_leaderboard(actor, visible.relation, row.leaderboard)
    ]


def _chosen(
    boards: Sequence[tuple[Phase, PhaseFacts]], slug: str | None, now: datetime
) -> tuple[Phase | None, PhaseFacts | None]:
    if slug is None:
        windows: list[TimeWindow] = [facts.window for _, facts in boards]
        return boards[current(windows, now)] if boards else (None, None)
    for row, facts in boards:
        if row.slug == slug:
            return row, facts
    raise NotFoundError


def _rows(
    session: Session,
    visible: Visible,
    phase: Phase | None,
    page: int,
    size: int,
    sort: BoardSort | None,
) -> Sequence[queries.RankedRow]:
    if phase is None:
        return []
    first, team_id = (page - 1) * size + 1, visible.team_id
    if sort is None:
        return queries.page_of(session, phase_id=phase.id, first=first, size=size, team_id=team_id)
    return queries.sorted_page_of(
        session, phase_id=phase.id, sort=sort, first=first, size=size, team_id=team_id
    )


def _row(row: queries.RankedRow, columns: Sequence[Column], visible: Visible) -> Row:
    is_own = row.team_id == visible.team_id
    may_open = is_own or visible.frame.may_review
    return Row(
        position=row.position,
        rank=row.rank,
        team=row.team,
        scores=scores.shown(row.scores, columns),
        achieved_at=row.achieved_at,
        is_own=is_own,
        is_verified=row.is_verified,
        submission_id=row.submission_id if may_open else None,
    )
