"""Long lists in pages."""

from dataclasses import dataclass

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One page of a list, counted from 1."""

    number: int
    total: int
    size: int = PAGE_SIZE

    @property
    def first(self) -> int:
        """Return the place of its first row, counted from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        """Return the place of its last row."""
        return min(self.number * self.size, self.total)

    @property
    def pages(self) -> int:
        """Return how many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.size))


def page_with(position: int, size: int = PAGE_SIZE) -> int:
    """Return the page on which a row stands."""
    return (position - 1) // size + 1
