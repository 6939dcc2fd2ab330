"""Where the lines of a shake-up lie: each leads from a team's rank on one board to that on another."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.services.leaderboards.views import Row

WIDTH, MARGIN, STEP = 900, 60, 18
MIN_TEAMS = 4
"""Below, a plot shows nothing that the table does not."""
MAX_HEIGHT = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A team."""

    before: float
    """How far down it was."""
    now: float
    rank_before: int
    rank: int
    team: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShakeUp:
    """Everything that the template draws, in units of its own view box."""

    width: int
    height: int
    left: int
    right: int
    lines: tuple[Line, ...]


def shake_up_plot(rows: Sequence[Row]) -> ShakeUp | None:
    """Plot where the teams of a page stood and stand; None where a glance at the table does."""
    moved = [row for row in rows if row.rank is not None and row.rank_before is not None]
    if len(moved) < MIN_TEAMS:
        return None
    height = min(MAX_HEIGHT, len(moved) * STEP + 2 * STEP)
    before = _heights([row.rank_before or 0 for row in moved], height)
    now = _heights([row.rank or 0 for row in moved], height)
    return ShakeUp(
        width=WIDTH,
        height=height,
        left=MARGIN,
        right=WIDTH - MARGIN,
        lines=tuple(
            Line(
                before=before[row.rank_before or 0],
                now=now[row.rank or 0],
                rank_before=row.rank_before or 0,
                rank=row.rank or 0,
                team=row.team,
                is_own=row.is_own,
            )
            for row in moved
        ),
    )


def _heights(ranks: Sequence[int], height: int) -> dict[int, float]:
    """Return how far down each rank is, from the best to the worst that there is."""
    best, worst = min(ranks), max(ranks)
    room = height - 2 * STEP
    return {
        rank: round(STEP + room * (rank - best) / max(1, worst - best), 1) for rank in set(ranks)
    }
