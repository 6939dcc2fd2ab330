"""Connections that do not wait for ever for what a sender keeps back.

The server itself bounds only the time between two requests. Here the head of a request has to come
in time, and whoever has been answered before the end of their body does not go on sending it.
``portal.web.bodies`` bounds the body of a request that is being read.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""From the first byte of a request, or the beginning of the connection, to the end of its head."""
REST_SECONDS = 5.0
"""How long the rest of a body may come that nobody reads any more: time to notice the answer."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as the server speaks it, with an end to waiting."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; wait on only for a head that is not whole yet."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_head()
        else:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Leave a sender who has been answered a little time, if their body is not over."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(REST_SECONDS, self._end_body, self.cycle)

    def _end_body(self, answered: object) -> None:
        if self.cycle is answered and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _wait_for_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
