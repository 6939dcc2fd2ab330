"""What rates are made of: texts of the settings, and names of those who try."""

import pytest

from portal.web.context import Rates
from portal.web.middleware.rate_limits import RateLimits, network


def test_a_rate_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="often"):
        RateLimits(Rates(login="often"))


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_customer_is_one_whatever_address_of_theirs_they_use(
    host: str, counted: str
) -> None:
    assert network(host) == counted
