"""A page of a leaderboard, ranked in the database."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    JSON,
    ColumnElement,
    DateTime,
    Label,
    Row,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.db.tables import Standing, Team
from portal.domain.leaderboards.sorting import SUBMITTED, TEAM, BoardSort


class RankedRow(NamedTuple):
    """What stands for one team."""

    position: int
    rank: int | None
    """None where it is shown without one."""
    total: int
    team_id: str
    team: str
    submission_id: str
    scores: dict[str, float]
    achieved_at: datetime
    is_verified: bool
    is_picked: bool = False
    mean_rank: float | None = None
    rank_before: int | None = None


def page_of(
    session: Session, *, board_id: str, first: int, size: int, team_id: str | None
) -> Sequence[RankedRow]:
    """List the rows at ``first`` and after it, and the row of a team wherever it stands.

    Equal values have the same rank, and the earlier of them comes first. Rows without a rank stand where their value
    is, and change nobody's. One query: it counts who is ahead in the index instead of ranking the whole board, which
    took ten times as long.
    """
    values = {"board_id": board_id, "before": first - 1, "size": size, "team_id": team_id}
    found = session.execute(_statement(), values).all()
    listed = _ranked([row for row in found if not row.is_extra], first)
    if any(row.team_id == team_id for row in listed):
        return listed
    extra = [
        _row(
            row,
            position=row.ahead_of_own + row.level_with_own + 1,
            ranked_ahead=row.ahead_of_own - row.unranked_ahead_of_own,
        )
        for row in found
        if row.is_extra
    ]
    return sorted([*listed, *extra], key=lambda row: row.position)


def sorted_page_of(
    session: Session,
    *,
    board_id: str,
    sort: BoardSort,
    first: int,
    size: int,
    team_id: str | None,
) -> Sequence[RankedRow]:
    """List the same rows in another order, with the ranks and with the positions that they have in it.

    One query. It goes through the whole board, as nothing is kept in the order of other columns.
    """
    values = {"board_id": board_id, "first": first, "end": first + size, "team_id": team_id}
    found = session.execute(_sorted_statement(sort.key, sort.is_ascending), values).all()
    return [_row(row, position=row.position, ranked_ahead=row.ranked_ahead) for row in found]


@lru_cache(maxsize=256)
def _sorted_statement(key: str, is_ascending: bool) -> Select[*tuple[Any, ...]]:
    value = _sorted_by(key)
    ordered = value.asc() if is_ascending else value.desc()
    # As the board has them, where the column has the same value; those without one last.
    order = (
        ordered.nulls_last(),
        Standing.rank_value.desc(),
        Standing.achieved_at,
        Standing.team_id,
    )
    # Up to the group of equal values before its own: in the order of the index, which takes half of what counting for each row does.
    ranked_ahead = (
        func.count()
        .filter(~Standing.is_unranked)
        .over(order_by=Standing.rank_value.desc(), groups=(None, -1))
    )
    places = select(
        Standing.team_id,
        func.row_number().over(order_by=order).label("position"),
        func.count().over().label("total"),
        ranked_ahead.label("ranked_ahead"),
    ).where(Standing.board_id == bindparam("board_id"))
    if key == TEAM:
        places = places.join(Team, Team.id == Standing.team_id)
    place = places.subquery()
    is_listed = and_(place.c.position >= bindparam("first"), place.c.position < bindparam("end"))
    is_own = place.c.team_id == bindparam("team_id", type_=String)
    return (
        _standings()
        .add_columns(Team.name, place.c.position, place.c.total, place.c.ranked_ahead)
        .join(place, place.c.team_id == Standing.team_id)
        .join(Team, Team.id == Standing.team_id)
        .where(or_(is_listed, is_own))
        .order_by(place.c.position)
    )


def _sorted_by(key: str) -> ColumnElement[Any]:
    if key == TEAM:
        return func.lower(Team.name)
    if key == SUBMITTED:
        return type_coerce(Standing.achieved_at, DateTime())
    score: ColumnElement[float] = type_coerce(Standing.scores, JSON)[key].as_float()
    return score


@cache
def _statement() -> Select[*tuple[Any, ...]]:
    """Build the query once: putting it together takes longer than the database takes to answer."""
    ranked = _standings().order_by(
        Standing.rank_value.desc(), Standing.achieved_at, Standing.team_id
    )
    page = ranked.limit(bindparam("size")).offset(bindparam("before")).cte("page")
    own = _standings().where(Standing.team_id == bindparam("team_id", type_=String)).cte("own")
    both = union_all(
        select(page, literal(False).label("is_extra")),
        select(own, literal(True).label("is_extra")),
    ).subquery()
    return (
        select(both, Team.name, *_counts(page, own))
        .join(Team, Team.id == both.c.team_id)
        .order_by(both.c.rank_value.desc(), both.c.achieved_at, both.c.team_id)
    )


def _standings() -> Select[*tuple[Any, ...]]:
    return select(
        Standing.team_id,
        Standing.submission_id,
        Standing.scores,
        Standing.rank_value,
        Standing.achieved_at,
        Standing.is_unranked,
        Standing.is_verified,
        Standing.is_picked,
    ).where(Standing.board_id == bindparam("board_id"))


def _counts(page: CTE, own: CTE) -> list[Label[int]]:
    """Count once for the page and once for the own row, not for every row."""
    value, at, team = (_only(own.c[key]) for key in ("rank_value", "achieved_at", "team_id"))
    ahead_of_own = Standing.rank_value > value
    earlier = tuple_(Standing.achieved_at, Standing.team_id) < tuple_(at, team)
    # Two counts along the index: with both conditions in one, SQLite would keep and compare every row that it counts.
    level_with_own = and_(Standing.rank_value == value, earlier)
    best = _only(func.max(page.c.rank_value))
    return [
        _count().label("total"),
        _count(Standing.rank_value > best).label("ahead_of_page"),
        _count(ahead_of_own).label("ahead_of_own"),
        _count(level_with_own).label("level_with_own"),
        # Few, and in an index of their own.
        _count(Standing.is_unranked, Standing.rank_value > best).label("unranked_ahead_of_page"),
        _count(Standing.is_unranked, Standing.rank_value >= best).label("unranked_from_best"),
        _count(Standing.is_unranked, ahead_of_own).label("unranked_ahead_of_own"),
    ]


def _only(value: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(value).scalar_subquery()


def _count(*conditions: ColumnElement[bool] | InstrumentedAttribute[bool]) -> ScalarSelect[int]:
    counted = select(func.count()).select_from(Standing)
    return counted.where(Standing.board_id == bindparam("board_id"), *conditions).scalar_subquery()


def _ranked(rows: Sequence[Row[*tuple[Any, ...]]], first: int) -> list[RankedRow]:
    ranked: list[RankedRow] = []
    if not rows:
        return ranked
    best = rows[0].rank_value
    ahead, unranked = rows[0].ahead_of_page - rows[0].unranked_ahead_of_page, 0
    for position, (row, before) in enumerate(zip(rows, [rows[0], *rows], strict=False), first):
        if row.rank_value != before.rank_value:
            ahead = position - 1 - row.unranked_from_best - unranked
        ranked.append(_row(row, position=position, ranked_ahead=ahead))
        unranked += row.is_unranked and row.rank_value != best
    return ranked


def _row(row: Row[*tuple[Any, ...]], *, position: int, ranked_ahead: int) -> RankedRow:
    return RankedRow(
        position=position,
        rank=None if row.is_unranked else ranked_ahead + 1,
        total=row.total,
        team_id=row.team_id,
        team=row.name,
        submission_id=row.submission_id,
        scores=row.scores,
        achieved_at=row.achieved_at,
        is_verified=row.is_verified,
        is_picked=row.is_picked,
    )


class StandingRow(NamedTuple):
    """What stands on a board, before it is ranked."""

    board_id: str
    team_id: str
    team: str
    submission_id: str
    scores: dict[str, float]
    achieved_at: datetime
    is_unranked: bool
    is_verified: bool
    is_picked: bool


def all_of(session: Session, board_ids: Sequence[str]) -> Sequence[StandingRow]:
    """List all that stands on some boards, in no order, for those that no index is in the order of. One query."""
    rows = session.execute(
        select(
            Standing.board_id,
            Standing.team_id,
            Team.name,
            Standing.submission_id,
            Standing.scores,
            Standing.achieved_at,
            Standing.is_unranked,
            Standing.is_verified,
            Standing.is_picked,
        )
        .join(Team, Team.id == Standing.team_id)
        .where(Standing.board_id.in_(board_ids))
    )
    return [StandingRow(*row) for row in rows]
