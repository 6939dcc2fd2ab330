"""Comparing a rerun with what it repeats: the scores, and what may explain that they differ."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACES: Mapping[str, tuple[str, ...]] = {
    "image": ("images", "submission"),
    "scorer": ("images", "scorer"),
    "probe": ("images", "probe"),
    "weights": ("submission", "weights_sha256"),
    "input": ("data", "input", "merkle_root"),
    "truth": ("data", "truth", "merkle_root"),
    "command of the program": ("predict", "argv"),
    "command of the scorer": ("score", "argv"),
    "apptainer": ("score", "versions", "apptainer"),
    "slurm": ("score", "versions", "slurm"),
    "kernel": ("score", "versions", "kernel"),
    "node of the program": ("predict", "nodes"),
    "node of the scorer": ("score", "nodes"),
    "profile of the program": ("predict", "profile"),
}
"""What of a seal record a difference can come from, and where it stands in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDifference:
    """One score, before and now; None where there is none."""

    key: str
    before: float | None
    now: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of running something again."""

    scores: tuple[ScoreDifference, ...]
    """Only those that differ."""
    circumstances: tuple[str, ...]
    """What was not as it was: words of this module."""

    @property
    def is_same(self) -> bool:
        """Whether the scores are what they were."""
        return not self.scores


def compare(
    before: Mapping[str, float],
    now: Mapping[str, float],
    seals: tuple[Mapping[str, Any], Mapping[str, Any]],
    *,
    tolerance: float = 0.0,
) -> Comparison:
    """Compare scores, up to a relative tolerance, and the two seal records: the older first."""
    return Comparison(
        scores=tuple(_scores(before, now, tolerance)),
        circumstances=tuple(
            name for name, path in _PLACES.items() if _at(seals[0], path) != _at(seals[1], path)
        ),
    )


def _scores(
    before: Mapping[str, float], now: Mapping[str, float], tolerance: float
) -> Iterator[ScoreDifference]:
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old is None or new is None or not math.isclose(old, new, rel_tol=tolerance):
            yield ScoreDifference(key=key, before=old, now=new)


def _at(record: object, path: tuple[str, ...]) -> object:
    for name in path:
        # Records of before the data was measured have a name where there is a table now.
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record
