"""A leaderboard, one page at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import leaderboards as queries
from portal.domain.accounts.people import Actor
from portal.domain.challenges.calendar import TimeWindow, current
from portal.domain.errors import NotFoundError
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.scores import Column
from portal.domain.leaderboards.sorting import TEAM, BoardSort, read_sort
from portal.domain.pagination import PAGE_SIZE, Slice, page_with
from portal.domain.submissions.questions import Question
from portal.services.challenges.context import Frame, Visible, look_up
from portal.services.leaderboards import ranked
from portal.services.leaderboards.open_boards import BoardFacts, OpenBoard, open_boards
from portal.services.submissions.questions.answers import AnswerFacts, on_boards, questions_of

ANONYMOUS = "Anonymous"
"""What a team is called whose name is kept back."""


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
    is_picked: bool = False
    """Whether its team has chosen it for the board."""
    mean_rank: float | None = None
    """Where the mean of ranks ranks."""
    rank_before: int | None = None
    """On the board with which this one is compared; None: the team has none there."""
    answers: tuple[AnswerFacts, ...] = ()
    """To the questions whose answers the board shows, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """One page of a ranking."""

    frame: Frame
    boards: tuple[BoardFacts, ...]
    """Those that the actor may see."""
    board: BoardFacts | None
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    """Those whose answers it shows."""
    sort: BoardSort | None
    """By what it is sorted; None: as it ranks."""
    primary: Column | None
    """The column that ranks before all others; None where the mean of several ranks does."""
    compared: BoardFacts | None
    """The board whose ranks are shown beside."""
    rows: tuple[Row, ...]
    own: Row | None
    own_page: int | None
    pages: Slice
    is_own_only: bool
    is_anonymous: bool
    is_frozen: bool
    changes_at: datetime | None
    """When it looks otherwise although nothing is written: a phase begins or ends, or something is revealed."""

    @property
    def is_short(self) -> bool:
        """Whether each board is that of one phase, and called as that."""
        return all([one.slug] == [phase.slug for phase in one.phases] for one in self.boards)


def leaderboard(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    board_slug: str | None = None,
    phase_slug: str | None = None,
    page: int,
    now: datetime,
    sort: str = "",
    size: int = PAGE_SIZE,
) -> Leaderboard:
    """Return a page of a leaderboard; raise ``NotFoundError`` for a board, phase, page or column there is not.

    Without a name it is that of the phase, and without that the current one.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now, with_boards=True)
    boards = open_boards(actor, visible, now)
    chosen = _chosen(boards, board_slug, phase_slug, now)
    columns = chosen.columns if chosen else ()
    order = read_sort(sort, columns)
    if chosen and chosen.is_anonymous and order and order.key == TEAM:
        # The order would tell the names.
        raise NotFoundError
    compared = _compared(boards, chosen)
    found = _rows(session, visible, chosen, compared, page, size, order)
    listed = [r for r in found if page_with(r.position, size) == page]
    if page > 1 and not listed:
        raise NotFoundError
    asked = [one for one in questions_of(visible.challenge) if one.on_board]
    given = on_boards(session, asked, [one.submission_id for one in found])
    shown = [_row(r, chosen, visible, given) for r in found] if chosen else []
    own = next((r for r in shown if r.is_own), None)
    return Leaderboard(
        frame=visible.frame,
        boards=tuple(one.facts for one in boards),
        board=chosen.facts if chosen else None,
        columns=columns,
        questions=tuple(asked),
        sort=order,
        primary=_primary(chosen),
        compared=compared.facts if compared else None,
        rows=tuple(r for r in shown if page_with(r.position, size) == page),
        own=own,
        own_page=page_with(own.position, size) if own else None,
        pages=Slice(number=page, total=found[0].total if found else 0, size=size),
        is_own_only=bool(chosen and chosen.is_own_only),
        is_anonymous=bool(chosen and chosen.is_anonymous),
        is_frozen=bool(chosen and chosen.is_frozen),
        changes_at=_changes_at(visible, now),
    )


def _primary(chosen: OpenBoard | None) -> Column | None:
    if chosen is None or chosen.facts.is_mean_rank:
        return None
    return next((column for column in chosen.columns if column.primary), None)


def _changes_at(visible: Visible, now: datetime) -> datetime | None:
    challenge = visible.challenge
    moments = [moment for one in challenge.phases for moment in (one.starts_at, one.ends_at)]
    moments += [one.late_until for one in challenge.phases if one.late_until is not None]
    for board in challenge.boards:
        moments += filter(None, (board.reveal_at, board.freeze_at, board.anonymous_until))
        moments += filter(None, (column.reveal_at for column in board.columns))
    if challenge.reveal_at is not None:
        moments.append(challenge.reveal_at)
    return min((moment for moment in moments if moment > now), default=None)


def _chosen(
    boards: Sequence[OpenBoard], board: str | None, phase: str | None, now: datetime
) -> OpenBoard | None:
    if board is not None:
        return _first(one for one in boards if one.facts.slug == board)
    if phase is not None:
        # The board that is called so, and else the first that the phase is on.
        named = [one for one in boards if one.facts.slug == phase]
        return _first(
            [*named, *(one for one in boards if phase in {p.slug for p in one.facts.phases})]
        )
    windows: list[TimeWindow] = [one.facts.window for one in boards]
    return boards[current(windows, now)] if boards else None


def _first(boards: Iterable[OpenBoard]) -> OpenBoard:
    found = next(iter(boards), None)
    if found is None:
        raise NotFoundError
    return found


def _compared(boards: Sequence[OpenBoard], chosen: OpenBoard | None) -> OpenBoard | None:
    """Return the board whose ranks are shown beside; none that the actor may not see as a whole."""
    if chosen is None or not chosen.facts.compare or chosen.is_own_only or chosen.is_anonymous:
        return None
    return next(
        (
            one
            for one in boards
            if one.facts.slug == chosen.facts.compare
            and not one.is_own_only
            and not one.is_anonymous
        ),
        None,
    )


def _rows(
    session: Session,
    visible: Visible,
    chosen: OpenBoard | None,
    compared: OpenBoard | None,
    page: int,
    size: int,
    sort: BoardSort | None,
) -> Sequence[queries.RankedRow]:
    if chosen is None:
        return []
    first, team_id = (page - 1) * size + 1, visible.team_id
    if chosen.is_own_only or compared or ranked.needs_all(chosen):
        return ranked.page_of(
            session, chosen, compared, first=first, size=size, team_id=team_id, sort=sort
        )
    if sort is None:
        return queries.page_of(
            session, board_id=chosen.rows_id, first=first, size=size, team_id=team_id
        )
    return queries.sorted_page_of(
        session, board_id=chosen.rows_id, sort=sort, first=first, size=size, team_id=team_id
    )


def _row(
    row: queries.RankedRow,
    chosen: OpenBoard,
    visible: Visible,
    given: Mapping[str, tuple[AnswerFacts, ...]],
) -> Row:
    is_own = row.team_id == visible.team_id
    # What a team writes of itself may name it.
    is_nameless = chosen.is_anonymous and not is_own
    may_open = is_own or visible.frame.may_review
    return Row(
        position=row.position,
        rank=row.rank,
        team=ANONYMOUS if is_nameless else row.team,
        answers=() if is_nameless else given.get(row.submission_id, ()),
        scores=scores.shown(row.scores, chosen.columns),
        achieved_at=row.achieved_at,
        is_own=is_own,
        is_verified=row.is_verified,
        is_picked=row.is_picked,
        mean_rank=row.mean_rank,
        rank_before=row.rank_before,
        submission_id=row.submission_id if may_open else None,
    )
