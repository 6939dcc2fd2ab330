"""Columns of a leaderboard: rounding, order and what beats what."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum

from portal.domain.leaderboards.formulas import Formula


class Sort(StrEnum):
    """Which end of a column is the good one."""

    ASCENDING = "asc"
    DESCENDING = "desc"


class Rule(StrEnum):
    """Which of a team's submissions stands for it."""

    BEST = "best"
    LAST = "last"
    CHOSEN = "chosen"
    """The best of those that the team has chosen."""
    BEST_OF_LAST = "best_of_last"
    ALL = "all"
    """Each has a place of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``private`` ones are for organisers until their reveal, if they have one."""

    key: str
    title: str
    sort: Sort = Sort.DESCENDING
    precision: int = 3
    minimum: float | None = None
    maximum: float | None = None
    primary: bool = False
    """Whether it is what a board ranks by before all others; only of the columns of one board."""
    private: bool = False
    reveal_at: datetime | None = None
    """When a private one is shown; never without."""
    unit: str = ""
    task: str | None = None
    """The id of the task that gives it; None: any that does."""
    source: str = ""
    """Its key in ``scores.json``; empty: its own."""
    formula: Formula | None = None
    """How it is worked out from others; None: a scorer writes it."""

    @property
    def written_as(self) -> str:
        """Return its key in ``scores.json``."""
        return self.source or self.key

    def is_open(self, now: datetime) -> bool:
        """Whether everybody may see it who sees the board."""
        return not self.private or (self.reveal_at is not None and now >= self.reveal_at)


_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
"""Wide enough for the largest float with any precision that a column can have."""


def rounded(value: float, precision: int) -> float:
    """Round half up on the decimal digits, away from zero; never returns minus zero."""
    return float(_digits(value, precision)) + 0.0


def written(value: float, precision: int) -> str:
    """Write a score with all the digits of its column, rounded like ``rounded``."""
    return f"{_digits(rounded(value, precision), precision):f}"


def _digits(value: float, precision: int) -> Decimal:
    step = Decimal(1).scaleb(-precision)
    return Decimal(repr(value)).quantize(step, context=_EXACT)


def of_task(
    scores: Mapping[str, float], columns: Sequence[Column], task: str | None
) -> dict[str, float]:
    """Return what one task gives, by the keys of columns, exactly as its scorer wrote it."""
    return {
        column.key: scores[column.written_as]
        for column in columns
        if column.formula is None and column.task in {None, task} and column.written_as in scores
    }


def exact(
    by_task: Mapping[str, Mapping[str, float]], columns: Sequence[Column]
) -> dict[str, float]:
    """Return the values of all columns over the scores of all tasks, not rounded.

    A column that no task gives has none, and so has whatever is worked out from it.
    """
    values: dict[str, float] = {}
    for task, scores in by_task.items():
        values |= of_task(scores, columns, task)
    pending = {column.key: column.formula for column in columns if column.formula is not None}
    while pending:
        ready = [key for key, formula in pending.items() if not set(formula.weights) & set(pending)]
        if not ready:
            # In a circle, which no bundle has.
            break
        for key in ready:
            value = pending.pop(key).value(values)
            if value is not None:
                values[key] = value
    return values


def shown(scores: Mapping[str, float], columns: Sequence[Column]) -> dict[str, float]:
    """Return the scores as people see them: rounded to each column's precision.

    What is shown is also what ranks: two equal numbers with different ranks would give away digits.
    """
    return {c.key: rounded(scores[c.key], c.precision) for c in columns if c.key in scores}


def primary(columns: Sequence[Column]) -> Column:
    """Return the column that ranks; bundles are checked to have exactly one."""
    return next(column for column in columns if column.primary)


def rank_value(value: float, column: Column) -> float:
    """Return a number that is larger for better scores, whatever the column's sense."""
    if not math.isfinite(value):
        raise ValueError(f"{column.key} is not finite")
    return value if column.sort is Sort.DESCENDING else -value + 0.0
