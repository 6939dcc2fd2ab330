"""The Ladder: a new best score is shown only if it is better than the last shown one by a step.

Blum and Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions" (2015): who
submits again and again and looks what the score does learns about the labels. When most tries show
what was shown before, they learn from those few that climb, and how many can is bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from portal.domain.leaderboards.scores import Column, primary, rank_value, shown

_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The step ``eta``, in the primary column's own unit; positive."""

    eta: float

    def shows(
        self,
        exact: Mapping[str, float],
        columns: Sequence[Column],
        before: Mapping[str, float] | None,
    ) -> dict[str, float]:
        """Return what is shown after a submission that scored ``exact``.

        ``before`` is what was shown last, None at first. Whatever does not climb shows that again,
        in all columns: another column would tell what the first one hides.
        """
        column = primary(columns)
        if before is not None and not self._climbs(exact[column.key], before[column.key], column):
            return dict(before)
        shows = shown(exact, columns)
        shows[column.key] = self._rung(exact[column.key], column)
        return shows

    def _climbs(self, exact: float, before: float, column: Column) -> bool:
        better = Decimal(repr(rank_value(exact, column))) - Decimal(
            repr(rank_value(before, column))
        )
        return better > Decimal(repr(self.eta))

    def _rung(self, value: float, column: Column) -> float:
        """Round to whole steps and to the column's digits, within the column's bounds."""
        step = Decimal(repr(self.eta))
        steps = _EXACT.divide(Decimal(repr(value)), step).quantize(Decimal(1), context=_EXACT)
        low, high = column.minimum, column.maximum
        rung = float(_EXACT.multiply(steps, step)) + 0.0
        if low is not None:
            rung = max(low, rung)
        if high is not None:
            rung = min(high, rung)
        return shown({column.key: rung}, [column])[column.key]
