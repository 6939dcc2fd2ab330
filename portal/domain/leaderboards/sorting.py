"""How a reader wants a board sorted. Ranks stay those of the board, whatever it is sorted by."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.domain.errors import NotFoundError
from portal.domain.leaderboards.scores import Column, Sort

TEAM = "@team"
SUBMITTED = "@submitted"
"""Names of the columns that are no scores; no key of a score begins so."""
_OTHER_END = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSort:
    """A column, and from which end. A score begins with the good end unless it is turned round."""

    key: str
    is_ascending: bool
    is_turned: bool
    """Whether it begins with the other end."""

    def __str__(self) -> str:
        return f"{_OTHER_END}{self.key}" if self.is_turned else self.key

    @property
    def aria(self) -> str:
        """Return what the head of the column says to those who do not see its arrow."""
        return "ascending" if self.is_ascending else "descending"

    def next_of(self, key: str) -> str:
        """Return what the head of a column leads to: the same column the other way round."""
        return f"{_OTHER_END}{key}" if key == self.key and not self.is_turned else key


def read_sort(written: str, columns: Sequence[Column]) -> BoardSort | None:
    """Return how a board is to be sorted; None: as it ranks.

    Raises ``NotFoundError`` for a column that is not among those that the reader may see: the order would tell it.
    """
    if not written:
        return None
    key, turned = written.removeprefix(_OTHER_END), written.startswith(_OTHER_END)
    ascending = {one.key: one.sort is Sort.ASCENDING for one in columns}
    ascending |= {TEAM: True, SUBMITTED: True}
    if key not in ascending:
        raise NotFoundError
    return BoardSort(key=key, is_ascending=ascending[key] is not turned, is_turned=turned)
