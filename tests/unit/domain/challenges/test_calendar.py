"""When phases and challenges are on."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.challenges.calendar import Season, Span, current, season_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
PAST = Span(starts_at=NOW - 9 * DAY, ends_at=NOW - DAY)
OPEN = Span(starts_at=NOW, ends_at=NOW + DAY)
COMING = Span(starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)


def test_a_span_holds_its_start_and_not_its_end() -> None:
    assert OPEN.season(NOW) is Season.OPEN
    assert OPEN.season(NOW - timedelta(seconds=1)) is Season.COMING
    assert OPEN.season(NOW + DAY) is Season.PAST


@pytest.mark.parametrize(
    ("spans", "season"),
    [
        ([PAST, OPEN, COMING], Season.OPEN),
        ([PAST, COMING], Season.COMING),
        ([COMING], Season.COMING),
        ([PAST, PAST], Season.PAST),
        ([], Season.COMING),
    ],
)
def test_a_challenge_is_as_open_as_its_phases(spans: list[Span], season: Season) -> None:
    assert season_of(spans, NOW) is season


@pytest.mark.parametrize(
    ("spans", "place"),
    [([PAST, OPEN, COMING], 1), ([PAST, PAST, COMING], 1), ([COMING, COMING], 0), ([], 0)],
)
def test_first_comes_what_is_on_or_was_last(spans: list[Span], place: int) -> None:
    assert current(spans, NOW) == place
