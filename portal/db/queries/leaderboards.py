"""A page of a leaderboard, ranked in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import Standing, Team


class RankedRow(NamedTuple):
    """What stands for one team."""

    position: int
    rank: int
    total: int
    team_id: str
    team: str
    submission_id: str
    scores: dict[str, float]
    achieved_at: datetime


def page_of(
    session: Session, *, phase_id: str, first: int, size: int, team_id: str | None
) -> Sequence[RankedRow]:
    """List the rows at ``first`` and after it, and the row of a team wherever it stands.

    Equal values have the same rank, and the earlier of them comes first. One query.
    """
    best_first = Standing.rank_value.desc()
    ranked = (
        select(
            func.row_number()
            .over(order_by=(best_first, Standing.achieved_at, Standing.team_id))
            .label("position"),
            func.rank().over(order_by=best_first).label("rank"),
            func.count().over().label("total"),
            Standing.team_id,
            Standing.submission_id,
            Standing.scores,
            Standing.achieved_at,
        )
        .where(Standing.phase_id == phase_id)
        .subquery()
    )
    on_page = ranked.c.position.between(first, first + size - 1)
    wanted = on_page if team_id is None else or_(on_page, ranked.c.team_id == team_id)
    rows = session.execute(
        select(
            ranked.c.position,
            ranked.c.rank,
            ranked.c.total,
            ranked.c.team_id,
            Team.name,
            ranked.c.submission_id,
            ranked.c.scores,
            ranked.c.achieved_at,
        )
        .join(Team, Team.id == ranked.c.team_id)
        .where(wanted)
        .order_by(ranked.c.position)
    )
    return [RankedRow(*row) for row in rows]
