"""How often somebody may try: more is refused until the time before it is over."""

import ipaddress
import math
import threading
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from inspect import isawaitable, iscoroutinefunction
from typing import Protocol

import limits
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portal.web.context import Rates
from portal.web.errors import RefusalError
from portal.web.request_context import PageRequest, page_request_of

IPV6_NETWORK = 64
"""Bits of an address that stand for one customer, who can change all the others at will."""

SWEPT_FROM = 10_000
"""From so many names on those are forgotten of whom there is nothing to be remembered any more."""

Endpoint = Callable[[Request], Response | Awaitable[Response]]
Name = Callable[[PageRequest], str]


class RateLimitExceededError(RefusalError):
    """Somebody has to wait; says for how many seconds."""

    def __init__(self, seconds: int) -> None:
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(
            429,
            f"This was tried too often. Try again in {seconds} {unit}.",
            "too_often",
            {"retry-after": str(seconds)},
        )


class Counting(Protocol):
    """Where tries are counted: in moving windows, for all who are to count together."""

    waits: bool
    """Whether counting asks another process, which the event loop must not wait for."""

    def hit(self, rate: str, name: str, who: str) -> int:
        """Count a try of ``who`` at what ``name`` limits to ``rate``, such as ``60/minute``, and return 0.

        Where there is no room for it nothing is counted: returns after how many seconds there is. Raises ``OSError``
        where nothing can be counted.
        """


class MemoryCounting:
    """Counts in the memory of this process; its threads count together."""

    waits = False

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._one_at_a_time = threading.Lock()
        self._sweep_from = SWEPT_FROM

    def hit(self, rate: str, name: str, who: str) -> int:
        """Count a try, as the protocol says."""
        item = _parsed(rate)
        with self._one_at_a_time:
            self._forget()
            if self._limiter.hit(item, name, who):
                return 0
            free_at = self._limiter.get_window_stats(item, name, who).reset_time
        # The window includes its last moment, so that a whole number of seconds is not enough.
        return max(1, math.floor(free_at - time.time()) + 1)

    @property
    def size(self) -> int:
        """Return how many names are remembered."""
        return len(self._storage.events)

    def _forget(self) -> None:
        # The storage drops old tries by itself, and keeps whose they were for ever.
        if len(self._storage.events) < self._sweep_from:
            return
        for key, tries in list(self._storage.events.items()):
            if not tries:
                self._storage.clear(key)
        self._sweep_from = max(SWEPT_FROM, 2 * len(self._storage.events))


class RateLimits:
    """The rates of a site's settings, and where tries are counted."""

    def __init__(self, rates: Rates, counting: Counting | None = None) -> None:
        self._rates = rates.by_name()
        for rate in self._rates.values():
            _parsed(rate)
        self._counting = counting or MemoryCounting()

    def count(self, name: str, who: str) -> None:
        """Count a try; raise ``RateLimitExceededError``, and do not count it, where there is no room for it."""
        if seconds := self._counting.hit(self._rates[name], name, who):
            raise RateLimitExceededError(seconds)

    async def count_in_loop(self, name: str, who: str) -> None:
        """Count a try from the event loop. Raises ``RateLimitExceededError``."""
        if self._counting.waits:
            await run_in_threadpool(self.count, name, who)
        else:
            self.count(name, who)


@lru_cache(maxsize=64)
def _parsed(rate: str) -> limits.RateLimitItem:
    return limits.parse(rate)


def limited(endpoint: Endpoint, rate: str, by: Name) -> Callable[[Request], Awaitable[Response]]:
    """Limit how often an endpoint is asked to a rate of the site's settings.

    ``by`` says whose tries are counted together.
    """
    waits = bool(iscoroutinefunction(endpoint))

    async def counted(request: Request) -> Response:
        await rates_of(request).count_in_loop(rate, by(page_request_of(request)))
        answer = endpoint(request) if waits else await run_in_threadpool(endpoint, request)
        return await answer if isawaitable(answer) else answer

    return counted


def rates_of(request: Request) -> RateLimits:
    """Return what the application counts with."""
    rates: RateLimits = request.app.state.rates
    return rates


def address(request: PageRequest) -> str:
    """Return the network address that a request came from; of IPv6, its network."""
    client = request.http.client
    return network(client.host) if client else ""


def person(request: PageRequest) -> str:
    """Return who asks; a visitor is known by the network address."""
    return request.actor.person_id or address(request)


def network(host: str) -> str:
    """Return what of a network address stands for one customer."""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host
    if parsed.version == 4:  # noqa: PLR2004 - the version's name is a number
        return host
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK), strict=False))
