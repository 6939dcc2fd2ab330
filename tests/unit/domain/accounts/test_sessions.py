"""How long a login lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.domain.accounts.sessions import LOGIN_STATE_TTL, SessionLimits, is_worth_noting

NOW = datetime(2026, 11, 24, tzinfo=UTC)
IDLE, LONGEST = timedelta(hours=3), timedelta(days=2)
LIMITS = SessionLimits(idle=IDLE, longest=LONGEST)
MOMENT = timedelta(microseconds=1)


def test_a_login_lasts_longer_than_one_that_was_only_begun() -> None:
    assert LIMITS.expiry(logged_in=True, now=NOW) == NOW + LONGEST
    assert LIMITS.expiry(logged_in=False, now=NOW) == NOW + LOGIN_STATE_TTL


@pytest.mark.parametrize(
    ("seen", "left", "over"),
    [
        pytest.param(timedelta(0), LONGEST, False, id="busy"),
        pytest.param(IDLE - MOMENT, LONGEST, False, id="nearly-idle"),
        pytest.param(IDLE, LONGEST, True, id="idle"),
        pytest.param(timedelta(0), MOMENT, False, id="nearly-expired"),
        pytest.param(timedelta(0), timedelta(0), True, id="expired"),
    ],
)
def test_it_is_over_when_idle_or_expired(seen: timedelta, left: timedelta, over: bool) -> None:
    assert LIMITS.is_over(seen_at=NOW - seen, expires_at=NOW + left, now=NOW) is over


def test_the_last_sight_is_noted_every_few_minutes() -> None:
    assert not is_worth_noting(seen_at=NOW - timedelta(minutes=4), now=NOW)
    assert is_worth_noting(seen_at=NOW - timedelta(minutes=5), now=NOW)
