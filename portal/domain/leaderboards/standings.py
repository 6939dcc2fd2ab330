"""What stands for a team on a board: rules on plain values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from portal.domain.leaderboards import scores
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.marks import FORGOTTEN, OFF_THE_BOARD, Mark
from portal.domain.leaderboards.ranking import Ranking, Value
from portal.domain.leaderboards.scores import Column, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A submission with scores of all its tasks."""

    submission_id: str
    exact: Mapping[str, float]
    """By the keys of columns."""
    created_at: datetime
    marks: Collection[Mark] = frozenset()
    is_picked: bool = False
    """Whether its team has chosen it for the board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A submission that stands for a team, and as what."""

    submission_id: str
    scores: Mapping[str, float]
    """As people see them."""
    value: float
    """Of the column that ranks first. Larger is better, whatever the column's sense."""
    achieved_at: datetime
    is_ranked: bool = True
    is_verified: bool = False
    is_picked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """How a board ranks, and which submission of a team counts there."""

    columns: Sequence[Column]
    rule: Rule
    ranking: Ranking | None = None
    """None: by the primary column alone."""
    otherwise: Ranking | None = None
    """With ``Rule.CHOSEN``: what says which one is best where a team has chosen none; None: what ranks."""
    of_last: int = 1
    """With ``Rule.BEST_OF_LAST``: how many of the last."""
    ladder: Ladder | None = None

    @property
    def ranks_by(self) -> Ranking:
        """Return what it ranks by."""
        return self.ranking or Ranking(keys=(scores.primary(self.columns).key,))

    @property
    def is_incremental(self) -> bool:
        """Whether what stands so far is all that has to be known of what came before."""
        return self.rule in {Rule.BEST, Rule.LAST}

    def value(self, shown: Mapping[str, float]) -> float:
        """Return what ranks first of what is shown."""
        return self.values(shown)[0]

    def values(self, shown: Mapping[str, float], by: Ranking | None = None) -> Value:
        """Return what is compared of what is shown, among those of one team."""
        return (by or self.ranks_by).value(shown, {one.key: one for one in self.columns})

    def with_lead(self) -> "Board":
        """Return the board with columns that say which of them ranks first."""
        lead = self.ranks_by.lead
        marked = [replace(column, primary=column.key == lead) for column in self.columns]
        return replace(self, columns=marked)


@dataclass(slots=True, kw_only=True)
class Standings:
    """A team on a board, one result after the other in the order in which they came.

    Whatever the marks are, the same results with the same marks lead to the same: a mark that is taken off leaves
    no trace.
    """

    board: Board
    is_eligible: bool = True
    """Whether the team is ranked at all."""
    stands: Stands | None = None
    last: Mapping[str, float] | None = None
    """What the Ladder showed last of what counts."""
    last_of_all: Mapping[str, float] | None = None
    """What it would have shown last without any mark."""
    shown: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """What the Ladder shows of each submission; empty without one."""
    candidates: list[Stands] = field(default_factory=list)
    """All that can stand, where what stands so far does not say which will."""

    def add(self, one: Scored) -> None:
        """Let a result count as far as its marks allow.

        One without a value in what ranks stands for nobody: it is older than the column, or that has none for it.
        """
        if not set(self.board.ranks_by.needed) <= set(one.exact):
            return
        shown = scores.shown(one.exact, self.board.columns)
        if self.board.ladder is not None:
            shown, climbs = self._climb(self.board.ladder, one)
            self.shown[one.submission_id] = shown
            if not climbs:
                return
        if not OFF_THE_BOARD & set(one.marks):
            self._stand(one, shown)

    def rows(self) -> list[Stands]:
        """Return what stands for the team; several where the board has a place for each submission."""
        rule, found = self.board.rule, self.candidates
        if rule is Rule.ALL:
            return list(found)
        if rule is Rule.BEST_OF_LAST:
            newest = sorted(found, key=lambda one: (one.achieved_at, one.submission_id))
            last = {one.submission_id for one in newest[-self.board.of_last :]}
            return self._best([one for one in found if one.submission_id in last])
        if rule is Rule.CHOSEN:
            picked = [one for one in found if one.is_picked]
            return self._best(picked) or self._best(found, self.board.otherwise)
        return [] if self.stands is None else [self.stands]

    def _best(self, found: Sequence[Stands], by: Ranking | None = None) -> list[Stands]:
        """Return the best, of equal ones the first; one with a rank goes before those without."""
        if not found:
            return []
        return [max(found, key=lambda one: (one.is_ranked, self.board.values(one.scores, by)))]

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
            is_ranked=self.is_eligible and Mark.UNRANKED not in one.marks,
            is_verified=Mark.VERIFIED in one.marks,
            is_picked=one.is_picked,
        )
        if not self.board.is_incremental:
            self.candidates.append(new)
        elif self.stands is None or self._replaces(new, self.stands):
            self.stands = new

    def _replaces(self, new: Stands, old: Stands) -> bool:
        """Whether a newer result takes the place of the one that stands.

        What has a rank goes before what has none, so that an unranked submission takes no rank from its team.
        """
        if new.is_ranked is not old.is_ranked:
            return new.is_ranked
        if self.board.rule is Rule.BEST:
            return self.board.values(new.scores) > self.board.values(old.scores)
        return new.achieved_at >= old.achieved_at


def settle(results: Sequence[Scored], board: Board, *, is_eligible: bool = True) -> Standings:
    """Work out what stands for a team; ``results`` are in the order in which they came."""
    standings = Standings(board=board, is_eligible=is_eligible)
    for one in results:
        standings.add(one)
    return standings
