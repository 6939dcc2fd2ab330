"""What stands for a team in a phase, and who is at which rank: rules on plain values."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from portal.domain.leaderboards import scores
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.marks import FORGOTTEN, OFF_THE_BOARD, Mark
from portal.domain.leaderboards.scores import Column, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A submission with scores of all its tasks."""

    submission_id: str
    exact: Mapping[str, float]
    created_at: datetime
    marks: Collection[Mark] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """The submission that stands for a team, and as what."""

    submission_id: str
    scores: Mapping[str, float]
    """As people see them."""
    value: float
    """Larger is better, whatever the column's sense."""
    achieved_at: datetime
    is_ranked: bool = True
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """How a challenge ranks."""

    columns: Sequence[Column]
    rule: Rule
    ladder: Ladder | None = None

    def value(self, shown: Mapping[str, float]) -> float:
        """Return what ranks of what is shown."""
        column = scores.primary(self.columns)
        return scores.rank_value(shown[column.key], column)


@dataclass(slots=True, kw_only=True)
class Standings:
    """A team in a phase, one result after the other in the order in which they came.

    Whatever the marks are, the same results with the same marks lead to the same: a mark that is taken off leaves
    no trace.
    """

    board: Board
    stands: Stands | None = None
    last: Mapping[str, float] | None = None
    """What the Ladder showed last of what counts."""
    last_of_all: Mapping[str, float] | None = None
    """What it would have shown last without any mark."""
    shown: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """What the Ladder shows of each submission; empty without one."""

    def add(self, one: Scored) -> None:
        """Let a result count as far as its marks allow.

        One that is older than the column that ranks by now has no value for it, and stands for nobody.
        """
        if scores.primary(self.board.columns).key not in one.exact:
            return
        shown = scores.shown(one.exact, self.board.columns)
        if self.board.ladder is not None:
            shown, climbs = self._climb(self.board.ladder, one)
            self.shown[one.submission_id] = shown
            if not climbs:
                return
        if not OFF_THE_BOARD & set(one.marks):
            self._stand(one, shown)

    def _climb(self, ladder: Ladder, one: Scored) -> tuple[dict[str, float], bool]:
        """Return what the Ladder shows, and whether that is new.

        What was forgotten shows what it showed before: a mark discloses nothing of the submission that has it.
        """
        columns = self.board.columns
        as_unmarked = ladder.shows(one.exact, columns, self.last_of_all)
        if self._is_better(as_unmarked, self.last_of_all):
            self.last_of_all = as_unmarked
        if FORGOTTEN & set(one.marks):
            return as_unmarked, False
        shown = ladder.shows(one.exact, columns, self.last)
        climbs = self._is_better(shown, self.last)
        if climbs:
            self.last = shown
        return shown, climbs

    def _is_better(self, shown: Mapping[str, float], before: Mapping[str, float] | None) -> bool:
        return before is None or self.board.value(shown) > self.board.value(before)

    def _stand(self, one: Scored, shown: Mapping[str, float]) -> None:
        new = Stands(
            submission_id=one.submission_id,
            scores=shown,
            value=self.board.value(shown),
            achieved_at=one.created_at,
            is_ranked=Mark.UNRANKED not in one.marks,
            is_verified=Mark.VERIFIED in one.marks,
        )
        if self.stands is None or _replaces(self.board.rule, new, self.stands):
            self.stands = new


def settle(results: Sequence[Scored], board: Board) -> Standings:
    """Work out what stands for a team; ``results`` are in the order in which they came."""
    standings = Standings(board=board)
    for one in results:
        standings.add(one)
    return standings


def _replaces(rule: Rule, new: Stands, old: Stands) -> bool:
    """Whether a newer result takes the place of the one that stands.

    What has a rank goes before what has none, so that an unranked submission takes no rank from its team. Chosen is
    decided by the team, so a new result never replaces the choice.
    """
    if new.is_ranked is not old.is_ranked:
        return new.is_ranked
    if rule is Rule.BEST:
        return new.value > old.value
    return rule is Rule.LAST and new.achieved_at >= old.achieved_at


def ranks(places: Sequence[tuple[float, bool]]) -> list[int | None]:
    """Return the rank of each value, None where it is not ranked: one more than ranked ones are better.

    So equal values share a rank, and those without a rank change nobody's.
    """
    ranked = sorted(-value for value, is_ranked in places if is_ranked)
    return [bisect_left(ranked, -value) + 1 if is_ranked else None for value, is_ranked in places]
