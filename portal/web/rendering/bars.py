"""Bars of what is used, reserved and left. The template draws them; the table beside them has the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.services.site.gpu_budgets import Budget
from portal.web.rendering.plots import round_numbers

WIDTH, LEFT, RIGHT = 900, 220, 40
ROW, BAR, BOTTOM = 26, 14, 30
LEAST = 0.1
"""GPU-hours that the scale reaches at least: less is not distinguished in the table either."""
MAX_NAME_CHARS = 26
"""Characters of a name beside its bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row: what is used, what is reserved after it, and where the limit is."""

    y: float
    name: str
    used: float
    reserved_from: float
    reserved: float
    limit: float | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line from top to bottom with its number."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Everything that the template draws, in units of its own view box."""

    width: int
    height: int
    left: int
    bottom: int
    thickness: int
    rows: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


def budget_bars(budgets: Sequence[Budget]) -> Bars | None:
    """Draw GPU-hours, a bar each. None where nothing was used and nothing is limited."""
    largest = max((max(one.spent.total, one.limit or 0.0) for one in budgets), default=0.0)
    if largest <= 0:
        return None
    ticks = round_numbers(0.0, max(largest, LEAST))
    scale = (WIDTH - LEFT - RIGHT) / ticks[-1]
    return Bars(
        width=WIDTH,
        height=ROW * len(budgets) + BOTTOM,
        left=LEFT,
        bottom=ROW * len(budgets),
        thickness=BAR,
        rows=tuple(_bar(one, number, scale) for number, one in enumerate(budgets)),
        ticks=tuple(Tick(at=round(LEFT + value * scale, 1), text=f"{value:g}") for value in ticks),
    )


def _bar(budget: Budget, number: int, scale: float) -> Bar:
    used, reserved = budget.spent.used * scale, budget.spent.reserved * scale
    name = budget.title
    return Bar(
        y=ROW * number + (ROW - BAR) / 2,
        name=name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…",
        used=round(used, 1),
        reserved_from=round(LEFT + used, 1),
        reserved=round(reserved, 1),
        limit=None if budget.limit is None else round(LEFT + budget.limit * scale, 1),
        summary=f"{name}: {hours(budget.spent.used)} used, {hours(budget.spent.reserved)} reserved",
    )


def hours(number: float) -> str:
    """Write GPU-hours as people compare them: a tenth where there are few, but never nothing for a little."""
    if 0 < number < LEAST / 2:
        return f"under {LEAST}"
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"  # noqa: PLR2004
