"""Boards that no index is in the order of: all rows are read, ranked by the rules of the domain, and a page is kept.

Ranks by the mean of several, and those that further columns decide, are worked out when somebody looks: a result
would change the rows of all other teams, and results of two teams would wait for each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries import leaderboards as queries
from portal.db.queries.leaderboards import RankedRow, StandingRow
from portal.domain.leaderboards.ranking import Entry, Place, places
from portal.domain.leaderboards.scores import Rule
from portal.domain.leaderboards.sorting import SUBMITTED, TEAM, BoardSort
from portal.services.leaderboards.open_boards import OpenBoard


def needs_all(board: OpenBoard) -> bool:
    """Whether the order of a board is not that of the index: one column, and one row for a team."""
    ranking = board.board.ranks_by
    return len(ranking.keys) > 1 or board.board.rule is Rule.ALL


def page_of(
    session: Session,
    board: OpenBoard,
    compared: OpenBoard | None,
    *,
    first: int,
    size: int,
    team_id: str | None,
    sort: BoardSort | None,
) -> list[RankedRow]:
    """List the rows at ``first`` and after it, and the best of a team wherever it stands. One query.

    On a board that shows a team its own, these are all that there are, and none has a rank.
    """
    rows = queries.all_of(session, [board.rows_id, *([compared.rows_id] if compared else [])])
    by_id = {_id(row): row for row in rows if row.board_id == board.rows_id}
    found = _ranked(list(by_id.values()), board)
    if board.is_own_only:
        own = [one for one in found if by_id[one.entry.id].team_id == team_id]
        return [
            _row(one, by_id[one.entry.id], n, len(own), hides_rank=True)
            for n, one in enumerate(own, start=1)
        ]
    before = _ranks_of_teams(rows, compared) if compared else {}
    best = next((one.entry.id for one in found if by_id[one.entry.id].team_id == team_id), None)
    ordered = _sorted(found, by_id, sort) if sort else found
    return [
        _row(one, by_id[one.entry.id], n, len(found), before=before)
        for n, one in enumerate(ordered, start=1)
        if first <= n < first + size or one.entry.id == best
    ]


def _id(row: StandingRow) -> str:
    # Of equal and simultaneous ones the team with the smaller id comes first, as along the index.
    return f"{row.team_id} {row.submission_id}"


def _ranked(rows: Sequence[StandingRow], board: OpenBoard) -> list[Place]:
    entries = [
        Entry(
            id=_id(row),
            scores=row.scores,
            achieved_at=row.achieved_at,
            is_ranked=not row.is_unranked,
        )
        for row in rows
    ]
    columns = {column.key: column for column in board.board.columns}
    return places(entries, board.board.ranks_by, columns)


def _ranks_of_teams(rows: Sequence[StandingRow], board: OpenBoard) -> dict[str, int]:
    """Return the best rank of each team on a board."""
    there = {_id(row): row for row in rows if row.board_id == board.rows_id}
    found: dict[str, int] = {}
    for one in _ranked(list(there.values()), board):
        if one.rank is not None:
            found.setdefault(there[one.entry.id].team_id, one.rank)
    return found


def _sorted(
    found: Sequence[Place], rows: Mapping[str, StandingRow], sort: BoardSort
) -> list[Place]:
    """Return the places in another order; where that is the same as the board has them, those without a value last."""

    def value(one: Place) -> Any:  # noqa: ANN401 - what a column holds
        if sort.key == TEAM:
            return rows[one.entry.id].team.lower()
        if sort.key == SUBMITTED:
            return one.entry.achieved_at
        return one.entry.scores[sort.key]

    is_special = sort.key in {TEAM, SUBMITTED}
    having = [one for one in found if is_special or sort.key in one.entry.scores]
    lacking = [one for one in found if not is_special and sort.key not in one.entry.scores]
    # Sorting is stable also from the other end: equal values stay as the board has them.
    return [*sorted(having, key=value, reverse=not sort.is_ascending), *lacking]


def _row(
    one: Place,
    row: StandingRow,
    position: int,
    total: int,
    *,
    before: Mapping[str, int] | None = None,
    hides_rank: bool = False,
) -> RankedRow:
    return RankedRow(
        position=position,
        rank=None if hides_rank else one.rank,
        total=total,
        team_id=row.team_id,
        team=row.team,
        submission_id=row.submission_id,
        scores=row.scores,
        achieved_at=row.achieved_at,
        is_verified=row.is_verified,
        is_picked=row.is_picked,
        mean_rank=None if hides_rank else one.mean_rank,
        rank_before=(before or {}).get(row.team_id),
    )
