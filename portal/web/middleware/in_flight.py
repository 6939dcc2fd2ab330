"""Requests of one client are answered a few at a time; the others wait behind them, and not before everybody else.

Pages are made by a few threads, in the order in which they were asked for. Whoever asks for hundreds at once,
whether they read the answers or not, would otherwise make everybody wait until theirs are done.
"""

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.web.middleware.rate_limits import network

MAX_AT_ONCE = 8
"""Requests of a network address that are worked on; what waits for more of its body is not."""
MAX_WAITING = 256
"""Requests of a network address that wait for that: a class may sit behind one address."""

SENTENCE = "Too many requests at once come from your network. Try again in a moment.\n"


class InFlightLimit:
    """Let a network address have a few requests worked on; refuse what is one too many to wait."""

    def __init__(
        self, app: ASGIApp, *, most: int = MAX_AT_ONCE, most_waiting: int = MAX_WAITING
    ) -> None:
        self._app = app
        self._most = most
        self._most_waiting = most_waiting
        self._queues: dict[str, _Queue] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it is its turn, or answer 429."""
        client = Request(scope).client if scope["type"] == "http" else None
        if client is None:
            await self._app(scope, receive, send)
            return
        address = network(client.host)
        queue = self._queues.setdefault(address, _Queue(asyncio.Semaphore(self._most)))
        if queue.requests >= self._most + self._most_waiting:
            # A line of text: a page would be more work than what is refused.
            refusal = PlainTextResponse(SENTENCE, 429, {"retry-after": "1", "connection": "close"})
            await refusal(scope, receive, send)
            return
        queue.requests += 1
        try:
            await _Turn(queue.places, receive).run(self._app, scope, send)
        finally:
            queue.requests -= 1
            if not queue.requests:
                del self._queues[address]


@dataclass(slots=True)
class _Queue:
    places: asyncio.Semaphore
    requests: int = field(default=0)
    """Those that are worked on, that wait, and whose body still comes."""


class _Turn:
    """One request, which gives its place to others while it waits for more of its body."""

    def __init__(self, places: asyncio.Semaphore, receive: Receive) -> None:
        self._places = places
        self._receive = receive
        self._has_place = False
        self._is_over = False

    async def run(self, app: ASGIApp, scope: Scope, send: Send) -> None:
        try:
            await self._take_place()
            await app(scope, self._receive_aside, send)
        finally:
            self._leave_place()

    async def _receive_aside(self) -> Message:
        if self._is_over:
            return await self._receive()
        self._leave_place()
        message = await self._receive()
        self._is_over = not message.get("more_body", False)
        await self._take_place()
        return message

    async def _take_place(self) -> None:
        await self._places.acquire()
        self._has_place = True

    def _leave_place(self) -> None:
        if self._has_place:
            self._has_place = False
            self._places.release()
