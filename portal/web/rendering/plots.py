"""Where the dots of a plot lie. The template draws them; the table beside it has the numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from portal.domain.leaderboards.scores import Column, Sort
from portal.services.leaderboards.views import Row

WIDTH, HEIGHT = 900, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 16, 44
TICKS = 5
FEWEST = 4
"""Teams below which a plot shows nothing that the table does not."""
MARGIN = 0.08
"""Room above and below the dots, as a share of their span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A team's score."""

    x: float
    y: float
    team: str
    rank: int | None
    shown: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line across with its number."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Everything that the template draws, in units of its own view box."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    title: str
    better: str


def rank_plot(rows: Sequence[Row], column: Column) -> Plot | None:
    """Plot the primary score over the rank: it shows how close the field is. None where a glance at the table does."""
    scored = [row for row in rows if column.key in row.scores]
    if len(scored) < FEWEST:
        return None
    values = [row.scores[column.key] for row in scored]
    ticks = round_numbers(*_padded(min(values), max(values), column))
    low, high = ticks[0], ticks[-1]
    across = (WIDTH - RIGHT - LEFT) / max(1, len(scored) - 1)
    places = [round(LEFT + n * across, 1) for n in range(len(scored))]
    return Plot(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        dots=tuple(
            Dot(
                x=x,
                y=_height(value, low, high),
                team=row.team,
                rank=row.rank,
                shown=f"{value:.{column.precision}f}",
                is_own=row.is_own,
            )
            for x, value, row in zip(places, values, scored, strict=True)
        ),
        x_ticks=_places(places, scored),
        y_ticks=tuple(
            Tick(at=_height(value, low, high), text=_written(value, ticks)) for value in ticks
        ),
        title=column.title,
        better="higher is better" if column.sort is Sort.DESCENDING else "lower is better",
    )


def round_numbers(low: float, high: float) -> list[float]:
    """Return round numbers at equal distance, the first at or below and the last at or above."""
    rough = (high - low) / TICKS or abs(high) / TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _padded(low: float, high: float, column: Column) -> tuple[float, float]:
    room = (high - low) * MARGIN
    floor = -math.inf if column.minimum is None else column.minimum
    ceiling = math.inf if column.maximum is None else column.maximum
    return max(low - room, min(floor, low)), min(high + room, max(ceiling, high))


def _height(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def _written(value: float, ticks: Sequence[float]) -> str:
    step = min(b - a for a, b in pairwise(ticks))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    # 2.5 needs one digit more than the power of ten below it.
    exact = digits if math.isclose(step, round(step, digits), rel_tol=1e-6) else digits + 1
    return f"{value + 0.0:.{exact}f}"


def _places(places: Sequence[float], rows: Sequence[Row]) -> tuple[Tick, ...]:
    every = max(1, math.ceil(len(rows) / 10))
    return tuple(
        Tick(at=x, text=str(row.position))
        for n, (x, row) in enumerate(zip(places, rows, strict=True))
        if n % every == 0
    )
