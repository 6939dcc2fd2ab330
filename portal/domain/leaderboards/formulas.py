"""Columns that are worked out from others: a sum with weights, a mean, the smallest, the largest."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Operation(StrEnum):
    """How values become one."""

    WEIGHTED = "weighted"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    GEOMETRIC_MEAN = "geometric_mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """What a column is worked out from, and how."""

    operation: Operation
    weights: Mapping[str, float]
    """By the keys of columns; 1 for each where the operation has no weights."""

    def value(self, scores: Mapping[str, float]) -> float | None:
        """Return the value; None where one of the scores is missing or there is no such value.

        A missing score is not 0 and is not left out: a team would gain by not having one.
        """
        if not set(self.weights) <= set(scores):
            return None
        value = _OPERATIONS[self.operation](
            [(scores[key], self.weights[key]) for key in self.weights]
        )
        return value + 0.0 if value is not None and math.isfinite(value) else None

    def as_json(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        return {"operation": self.operation.value, "weights": dict(self.weights)}


def formula_from(kept: Mapping[str, Any] | None) -> Formula | None:
    """Return what the database keeps as a formula; None for none."""
    if not kept:
        return None
    return Formula(
        operation=Operation(kept["operation"]),
        weights={str(key): float(weight) for key, weight in kept["weights"].items()},
    )


_Terms = list[tuple[float, float]]
"""Values with their weights."""


def _weighted(terms: _Terms) -> float | None:
    try:
        return math.fsum(value * weight for value, weight in terms)
    except (OverflowError, ValueError):
        return None


def _mean(terms: _Terms) -> float | None:
    total = _weighted(terms)
    return None if total is None else total / len(terms)


def _geometric_mean(terms: _Terms) -> float | None:
    values = [value for value, _ in terms]
    if min(values) < 0:
        return None
    if min(values) == 0:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))


_OPERATIONS = {
    Operation.WEIGHTED: _weighted,
    Operation.SUM: _weighted,
    Operation.MEAN: _mean,
    Operation.MIN: lambda terms: min(value for value, _ in terms),
    Operation.MAX: lambda terms: max(value for value, _ in terms),
    Operation.GEOMETRIC_MEAN: _geometric_mean,
}
