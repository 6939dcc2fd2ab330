from datetime import UTC, datetime, timedelta

from portal.web.middleware.page_cache import MAX_AGE, MAX_PAGES, PageCache

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Made:
    """Counts how often a page was put together."""

    def __init__(self, changes_at: datetime | None = None) -> None:
        self.times = 0
        self._changes_at = changes_at

    def __call__(self) -> tuple[bytes, datetime | None]:
        self.times += 1
        return b"%d" % self.times, self._changes_at


def test_a_page_is_put_together_once_for_a_revision() -> None:
    pages, made = PageCache(), Made()

    bodies = [pages.page("board", revision, NOW, made) for revision in (1, 1, 2, 2)]

    assert bodies == [b"1", b"1", b"2", b"2"]


def test_pages_of_several_addresses_are_apart() -> None:
    pages, made = PageCache(), Made()

    bodies = [pages.page(key, 1, NOW, made) for key in ("a", "b", "a")]

    assert bodies == [b"1", b"2", b"1"]


def test_a_page_is_kept_no_longer_than_it_is_right() -> None:
    pages, made = PageCache(), Made(changes_at=NOW + 2 * SECOND)

    bodies = [pages.page("board", 1, NOW + n * SECOND, made) for n in (0, 1, 2)]

    assert bodies == [b"1", b"1", b"2"]


def test_no_page_is_kept_for_long() -> None:
    pages, made = PageCache(), Made()

    bodies = [
        pages.page("board", 1, NOW + at, made) for at in (0 * SECOND, MAX_AGE - SECOND, MAX_AGE)
    ]

    assert bodies == [b"1", b"1", b"2"]


def test_those_that_nobody_asks_for_go_first() -> None:
    pages, made = PageCache(), Made()
    for number in range(MAX_PAGES):
        pages.page(number, 1, NOW, made)
    pages.page(0, 1, NOW, made)
    pages.page("one more", 1, NOW, made)

    before = made.times
    pages.page(0, 1, NOW, made)
    assert made.times == before
    pages.page(1, 1, NOW, made)
    assert made.times == before + 1
