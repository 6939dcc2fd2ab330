"""What each challenge and team may take of the cluster, and whose turn it is.

One account submits everything, so Slurm cannot tell teams apart: the portal has to be fair itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

HOUR = timedelta(hours=1)

Waiting = TypeVar("Waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the sysadmin grants one challenge. ``None``: no limit of its own."""

    running: int | None = None
    """Evaluations of the challenge that are with the cluster at the same time."""
    team_running: int | None = None
    """Of one team, over all phases."""
    gpu_hours: float | None = None
    team_gpu_hours: float | None = None
    account: str | None = None
    """Slurm account that is charged instead of the profile's."""
    qos: str | None = None


UNLIMITED = Share()


class BlockingLimit(StrEnum):
    """Which limit an evaluation waits for; ``SENTENCES`` says so to the team."""

    TEAM_IN_PHASE = "team_in_phase"
    TEAM = "team"
    CHALLENGE = "challenge"
    PLACES = "places"
    TEAM_HOURS = "team_hours"
    CHALLENGE_HOURS = "challenge_hours"
    NEIGHBOURS = "neighbours"
    SCORER = "scorer"


MESSAGES: Mapping[BlockingLimit, str] = {
    BlockingLimit.TEAM_IN_PHASE: "Your team has as many running as the phase allows at the same time.",
    BlockingLimit.TEAM: "Your team has as many running as the site allows at the same time.",
    BlockingLimit.CHALLENGE: "The challenge's share of the cluster is in use.",
    BlockingLimit.PLACES: "All places for such runs are taken; teams take turns.",
    BlockingLimit.TEAM_HOURS: "Your team's GPU-hours are used up or reserved by what runs.",
    BlockingLimit.CHALLENGE_HOURS: "The challenge's GPU-hours are used up or reserved by what runs.",
    BlockingLimit.SCORER: "It waits for the scorer of the challenge, which could not be made yet. The organisers see that.",
    BlockingLimit.NEIGHBOURS: "It waits until runs of another kind on the same nodes have ended.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """GPU-hours of a challenge or a team."""

    used: float = 0.0
    """By jobs that have ended, by the cluster's own times."""
    reserved: float = 0.0
    """By jobs that are written down or live: their whole time limit, as they might use it."""

    @property
    def total(self) -> float:
        """Return what is used and what is reserved together."""
        return self.used + self.reserved

    def left(self, budget: float | None) -> float | None:
        """Return what is left of a budget, at least 0; None without one."""
        return None if budget is None else max(0.0, budget - self.used - self.reserved)

    def reserving(self, hours: float) -> "Spent":
        """Return what is spent with another job's hours reserved."""
        return Spent(used=self.used, reserved=self.reserved + hours)

    def has_room(self, budget: float | None, job: float) -> bool:
        """Whether a job that reserves ``job`` GPU-hours fits."""
        return budget is None or self.used + self.reserved + job <= budget + 1e-9


def gpu_count(gres: str | None) -> int:
    """Return the GPUs of a gres such as ``gpu:2`` or ``gpu:a100:2``; 0 for any other."""
    name, _, rest = (gres or "").partition(":")
    if name != "gpu":
        return 0
    number = rest.rpartition(":")[2]
    return int(number) if number.isdecimal() else 1


def gpu_hours(gpus: int, time: timedelta) -> float:
    """Return what that many GPUs take in a time."""
    return gpus * (time / HOUR)


def in_turn(waiting: Iterable[tuple[Waiting, str]], running: Mapping[str, int]) -> list[Waiting]:
    """Order what waits, given with its team and oldest first, so that teams take turns.

    A team's first comes before another team's second. What a team has running counts as turns that
    it has had, so that a free place goes to whoever has the fewest.
    """
    turns = Counter(running)
    ranked = []
    for place, (item, team) in enumerate(waiting):
        ranked.append((turns[team], place, item))
        turns[team] += 1
    return [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])]
