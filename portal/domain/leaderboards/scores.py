"""Columns of a leaderboard: rounding, order and what beats what."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum


class Sort(StrEnum):
    """Which end of a column is the good one."""

    ASCENDING = "asc"
    DESCENDING = "desc"


class Rule(StrEnum):
    """Which of a team's submissions stands for it."""

    BEST = "best"
    LAST = "last"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``private`` ones are for organisers until the challenge's reveal, if it has one."""

    key: str
    title: str
    sort: Sort = Sort.DESCENDING
    precision: int = 3
    minimum: float | None = None
    maximum: float | None = None
    primary: bool = False
    private: bool = False


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
