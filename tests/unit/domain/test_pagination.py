"""Long lists in pages."""

import pytest

from portal.domain.pagination import Slice, page_with


@pytest.mark.parametrize(
    ("number", "total", "first", "last", "pages"),
    [(1, 0, 1, 0, 1), (1, 1, 1, 1, 1), (1, 50, 1, 50, 1), (1, 51, 1, 50, 2), (2, 51, 51, 51, 2)],
)
def test_a_page_knows_its_place(number: int, total: int, first: int, last: int, pages: int) -> None:
    page = Slice(number=number, total=total)

    assert (page.first, page.last, page.pages) == (first, last, pages)


@pytest.mark.parametrize(("position", "page"), [(1, 1), (50, 1), (51, 2), (10_000, 200)])
def test_a_row_stands_on_one_page(position: int, page: int) -> None:
    assert page_with(position) == page
