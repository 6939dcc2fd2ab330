"""When phases and challenges are on."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.challenges.calendar import PhaseStatus, TimeWindow, challenge_status, current

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
PAST = TimeWindow(starts_at=NOW - 9 * DAY, ends_at=NOW - DAY)
OPEN = TimeWindow(starts_at=NOW, ends_at=NOW + DAY)
COMING = TimeWindow(starts_at=NOW + DAY, ends_at=NOW + 2 * DAY)


def test_a_span_holds_its_start_and_not_its_end() -> None:
    assert OPEN.status(NOW) is PhaseStatus.OPEN
    assert OPEN.status(NOW - timedelta(seconds=1)) is PhaseStatus.UPCOMING
    assert OPEN.status(NOW + DAY) is PhaseStatus.CLOSED


@pytest.mark.parametrize(
    ("windows", "status"),
    [
        ([PAST, OPEN, COMING], PhaseStatus.OPEN),
        ([PAST, COMING], PhaseStatus.UPCOMING),
        ([COMING], PhaseStatus.UPCOMING),
        ([PAST, PAST], PhaseStatus.CLOSED),
        ([], PhaseStatus.UPCOMING),
    ],
)
def test_a_challenge_is_as_open_as_its_phases(
    windows: list[TimeWindow], status: PhaseStatus
) -> None:
    assert challenge_status(windows, NOW) is status


@pytest.mark.parametrize(
    ("windows", "place"),
    [([PAST, OPEN, COMING], 1), ([PAST, PAST, COMING], 1), ([COMING, COMING], 0), ([], 0)],
)
def test_first_comes_what_is_on_or_was_last(windows: list[TimeWindow], place: int) -> None:
    assert current(windows, NOW) == place
