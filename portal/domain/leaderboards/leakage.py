"""How many bits the answers of a phase could carry, at most: for organisers who set its limits.

Whoever submits can make the score, the failure and the duration depend on what the program read.
What comes back is one of N answers each time, so that k submissions of a team carry at most
k log2 N bits. With the Ladder most answers repeat the one before, and the count is smaller.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from portal.domain.leaderboards.scores import Column
from portal.domain.submissions.disclosure import AFTER_DATA

POLLING = timedelta(seconds=5)
"""How exactly somebody who keeps looking sees when a run ends, where nothing is held back."""

_FLOAT = 2.0**64
"""Values that a number without bounds can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What of a phase decides how much its answers can carry."""

    columns: Sequence[Column]
    """Those whose scores the team sees; none where it sees none."""
    sealed: bool
    time_limit: timedelta
    """Of a run, with its scoring."""
    time_step: timedelta
    held: bool
    """Whether results are held back until a whole number of steps."""
    attempts: int | None
    """Of one team; None: no limit."""
    eta: float | None
    """The Ladder's step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bits:
    """Upper bounds. None: without an end."""

    scores: float
    """Of one submission that shows scores."""
    failures: float
    """Of one submission that fails: which of the failures."""
    times: float
    """Of when it ends."""
    each: float
    """Of one submission, all of it together."""
    in_all: float | None
    """Of all submissions of one team."""


def bits(channel: Channel) -> Bits:
    """Work out the upper bounds of a phase."""
    values = math.prod(values_of(column) for column in channel.columns)
    failures = 1 if channel.sealed else len(AFTER_DATA)
    slots = moments(channel)
    each = math.log2((values + failures) * slots)
    return Bits(
        scores=math.log2(values),
        failures=math.log2(failures),
        times=math.log2(slots),
        each=each,
        in_all=_in_all(channel, each, failures, slots),
    )


def values_of(column: Column) -> float:
    """Count the values that a column can show."""
    if column.minimum is None or column.maximum is None:
        return _FLOAT
    return min(_FLOAT, round((column.maximum - column.minimum) * 10.0**column.precision) + 1)


def bits_of(column: Column) -> float:
    """Return how many bits one score of a column can carry."""
    return math.log2(values_of(column))


def moments(channel: Channel) -> int:
    """Count the ends of a run that a team can tell apart."""
    step = channel.time_step if channel.held else POLLING
    return max(1, math.ceil(channel.time_limit / step))


def rungs(column: Column, eta: float) -> int | None:
    """Count the values that the Ladder can show one after the other; None: without bounds."""
    if column.minimum is None or column.maximum is None:
        return None
    # One more for a bound that is no whole number of steps.
    return math.floor((column.maximum - column.minimum) / eta) + 2


def _in_all(channel: Channel, each: float, failures: int, slots: int) -> float | None:
    if channel.attempts is None:
        return None
    plain = channel.attempts * each
    if channel.eta is None or not channel.columns:
        return plain
    ladder = _with_ladder(channel, channel.attempts, channel.eta)
    if ladder is None:
        return plain
    # Whether it failed or not, and when, is shown each time also where the score is not.
    return min(plain, ladder + channel.attempts * math.log2((1 + failures) * slots))


def _with_ladder(channel: Channel, attempts: int, eta: float) -> float | None:
    """Count the ways in which scores can climb: which tries do, and over which rungs."""
    column = next((one for one in channel.columns if one.primary), None)
    steps = rungs(column, eta) if column else None
    if steps is None:
        return None
    most = min(attempts, steps)
    ways = sum(math.comb(attempts, j) * math.comb(steps, j) for j in range(most + 1))
    others = math.prod(values_of(one) for one in channel.columns if not one.primary)
    return math.log2(ways) + most * math.log2(others)
