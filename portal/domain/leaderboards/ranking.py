"""Who is at which rank: by a column with others that decide between equal values, or by the mean of several ranks.

Equal teams share a rank and the next one is as many lower, as at the Olympic Games: 1, 2, 2, 4.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.domain.leaderboards.scores import Column, Sort

Value = tuple[float, ...]
"""Compared from the left; larger is better."""
_WORST = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a board ranks by."""

    keys: tuple[str, ...]
    """The column that ranks, and those that decide between equal values; or those whose ranks have a mean."""
    is_mean_rank: bool = False

    @property
    def lead(self) -> str:
        """Return the column that ranks before all others; of a mean of ranks, the first."""
        return self.keys[0]

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the columns without a value in which nothing stands on the board."""
        return self.keys if self.is_mean_rank else self.keys[:1]

    def value(self, scores: Mapping[str, float], columns: Mapping[str, Column]) -> Value:
        """Return what is compared among the submissions of one team; a tie-break that is missing is the worst.

        There is no mean of ranks among these: the first column decides, and then the next.
        """
        return tuple(_oriented(scores, columns[key]) for key in self.keys)

    def as_json(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        if self.is_mean_rank:
            return {"mean_rank": list(self.keys)}
        return {"by": self.lead, "ties": list(self.keys[1:])}


def ranking_from(kept: Mapping[str, Any], columns: Sequence[Column]) -> Ranking:
    """Return what the database keeps as a ranking; without any, the primary column ranks."""
    if mean := kept.get("mean_rank"):
        return Ranking(keys=tuple(mean), is_mean_rank=True)
    by = kept.get("by") or next(column.key for column in columns if column.primary)
    return Ranking(keys=(by, *kept.get("ties", ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands on a board."""

    id: str
    scores: Mapping[str, float]
    """As people see them."""
    achieved_at: datetime
    is_ranked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entry stands."""

    entry: Entry
    position: int
    """From 1 on; no two have the same."""
    rank: int | None
    """None where it is shown without one."""
    mean_rank: float | None
    """Only where the mean of ranks ranks."""


def places(
    entries: Sequence[Entry], ranking: Ranking, columns: Mapping[str, Column]
) -> list[Place]:
    """Return all entries in their order, whatever order they come in: the best first, then the earlier.

    It takes n log n steps. Entries without a rank stand where their value is, and change nobody's rank.
    """
    values = _values(entries, ranking, columns)
    found = ranks([(value, one.is_ranked) for value, one in zip(values, entries, strict=True)])
    order = sorted(
        range(len(entries)),
        key=lambda n: (
            tuple(-part for part in values[n]),
            entries[n].achieved_at,
            entries[n].id,
        ),
    )
    return [
        Place(
            entry=entries[n],
            position=position,
            rank=found[n],
            mean_rank=-values[n][0] / len(ranking.keys) if ranking.is_mean_rank else None,
        )
        for position, n in enumerate(order, start=1)
    ]


def ranks(places: Sequence[tuple[Any, bool]]) -> list[int | None]:
    """Return the rank of each value, None where it is not ranked: one more than ranked ones are better."""
    ranked = _ranks_among(places)
    return [
        rank if is_ranked else None for rank, (_, is_ranked) in zip(ranked, places, strict=True)
    ]


def _ranks_among(places: Sequence[tuple[Any, bool]]) -> list[int]:
    """Return the rank that each value has or would have among those that are ranked."""
    ranked = sorted(value for value, is_ranked in places if is_ranked)
    return [len(ranked) - bisect_right(ranked, value) + 1 for value, _ in places]


def _values(
    entries: Sequence[Entry], ranking: Ranking, columns: Mapping[str, Column]
) -> list[Value]:
    if not ranking.is_mean_rank:
        return [ranking.value(one.scores, columns) for one in entries]
    # Sums of whole numbers: no two means differ by how they were rounded.
    totals = [0] * len(entries)
    for key in ranking.keys:
        one = _ranks_among([(_oriented(e.scores, columns[key]), e.is_ranked) for e in entries])
        totals = [total + rank for total, rank in zip(totals, one, strict=True)]
    return [(float(-total),) for total in totals]


def _oriented(scores: Mapping[str, float], column: Column) -> float:
    value = scores.get(column.key)
    if value is None:
        return _WORST
    return value if column.sort is Sort.DESCENDING else -value + 0.0
