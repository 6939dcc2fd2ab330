"""Moments in the time zone of a challenge."""

from datetime import UTC, datetime

import pytest

from portal.domain.challenges.time_zones import beside_utc


@pytest.mark.parametrize(
    ("moment", "zone", "written"),
    [
        (datetime(2026, 12, 1, 12, 0, tzinfo=UTC), "Europe/Berlin", "13:00 in Europe/Berlin"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "Europe/Berlin", "14:00 in Europe/Berlin"),
        (datetime(2026, 12, 1, 23, 59, tzinfo=UTC), "Europe/Berlin", "2 Dec 2026, 00:59 in Europe/Berlin"),
        (datetime(2026, 12, 1, 3, 0, tzinfo=UTC), "America/New_York", "30 Nov 2026, 22:00 in America/New_York"),
        (datetime(2026, 12, 1, 3, 0, tzinfo=UTC), "", ""),
        (datetime(2026, 12, 1, 3, 0, tzinfo=UTC), "Nowhere/Here", ""),
        (datetime(2026, 12, 1, 3, 0, tzinfo=UTC), "../../etc/passwd", ""),
    ],
)  # fmt: skip
def test_a_moment_is_written_with_its_date_where_that_is_another(
    moment: datetime, zone: str, written: str
) -> None:
    assert beside_utc(moment, zone) == written
