"""Counting tries, on a clock that tests move."""

import time
from dataclasses import dataclass

import pytest

from portal.web.context import Rates
from portal.web.rates import SWEPT_FROM, RateLimits, TooOften, network


@dataclass
class Clock:
    """Stands still until it is moved; seconds."""

    now: float = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def refused_for(limits: RateLimits, who: str = "ada", rate: str = "login") -> str | None:
    """Try once; return for how many seconds it was refused, or None."""
    try:
        limits.count(rate, who)
    except TooOften as refusal:
        return dict(refusal.headers or {})["retry-after"]
    return None


def test_as_many_as_the_rate_says_pass_and_the_next_is_told_when_to_come_back(
    clock: Clock,
) -> None:
    limits = RateLimits(Rates(login="3/minute"))

    answers = [refused_for(limits) for _ in range(4)]

    assert answers == [None, None, None, "61"]


def test_the_window_moves_with_each_try(clock: Clock) -> None:
    limits = RateLimits(Rates(login="2/minute"))
    refused_for(limits)
    clock.now += 40
    refused_for(limits)
    clock.now += 19.5

    before = refused_for(limits)
    clock.now += 1
    after = (refused_for(limits), refused_for(limits))

    # The first try leaves the window at second 60, the second one at 100.
    assert before == "1"
    assert after == (None, "40")


def test_waiting_as_long_as_is_said_is_enough(clock: Clock) -> None:
    limits = RateLimits(Rates(login="1/second"))
    refused_for(limits)
    wait = refused_for(limits)

    clock.now += int(str(wait))

    assert refused_for(limits) is None


def test_a_refused_try_does_not_lengthen_the_wait(clock: Clock) -> None:
    limits = RateLimits(Rates(login="1/minute"))
    refused_for(limits)
    for _ in range(100):
        clock.now += 0.5
        refused_for(limits)

    clock.now += 11

    assert refused_for(limits) is None


def test_others_and_other_rates_are_not_affected(clock: Clock) -> None:
    limits = RateLimits(Rates(login="1/hour", token="1/hour"))
    assert refused_for(limits) is None
    assert refused_for(limits) == "3601"

    assert refused_for(limits, "eve") is None
    assert refused_for(limits, rate="token") is None


def test_who_has_not_come_for_long_is_forgotten(clock: Clock) -> None:
    limits = RateLimits(Rates(login="1/second"))
    for n in range(SWEPT_FROM):
        limits.count("login", str(n))
    clock.now += 5
    # The storage drops old tries from a timer of its own.
    for tries in limits._storage.events.values():
        tries.clear()

    limits.count("login", "one more")

    assert len(limits._storage.events) == 1


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
