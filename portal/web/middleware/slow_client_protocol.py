"""Connections that do not wait for ever: for what a sender keeps back, or for a reader who never reads.

The server itself bounds only the time between two requests. Here the head of a request has to come
in time, and whoever has been answered before the end of their body does not go on sending it.
Whoever does not read their answer is cut off, sends no second request before they have the first answer, and
has a limited number of connections. ``portal.web.middleware.bodies`` bounds the body of a request that is being read,
``portal.web.middleware.in_flight`` the requests of one client that are being answered.
"""

import asyncio
import ipaddress
import socket
from collections import Counter

import h11
from h11._readers import ContentLengthReader
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.h11_impl import H11Protocol

from portal.web.middleware.strict_http import StrictBuffer

HEAD_SECONDS = 15.0
"""From the first byte of a request, or the beginning of the connection, to the end of its head."""
REST_SECONDS = 5.0
"""How long the rest of a body may come that nobody reads any more: time to notice the answer."""
WRITE_SECONDS = 15.0
"""How often an answer that waits for its reader is looked at."""
MIN_READ_BYTES_PER_SECOND = 1024
"""What a reader has to take of an answer that waits for them."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel may hold of an answer for a reader: it counts as sent although nobody has read it."""
BODY_READ_BYTES = 1024 * 1024
"""What is read at once of a body that the application takes: a quarter of it costs three times the steps."""
MAX_CONNECTIONS = 800
"""Connections of a process: fewer than the files that it may usually have open (1,024)."""
MAX_CONNECTIONS_PER_ADDRESS = 100
"""Connections of one client. The proxy on this machine is not one: it has the connections of all."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as the server speaks it, read strictly and with an end to waiting."""

    _head: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head; refuse one connection too many."""
        super().connection_made(transport)
        # h11 has no other place for a buffer of one's own.
        self.conn._receive_buffer = StrictBuffer()  # noqa: SLF001
        transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES, low=0)
        if (own := transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if self._is_one_too_many():
            transport.abort()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; wait on only for a head that is not whole yet."""
        if (reader := self._reader_inside_body(len(data))) is not None:
            self._pass_on(data, reader)
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait_for_head()
        else:
            self._stop_waiting()
        if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            # Proxies and browsers wait for an answer; who does not could ask without ever reading.
            self._close_after_this()

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close; where an answer has begun, only close."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            self._watch_reader()
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Leave a sender who has been answered a little time, if their body is not over."""
        if self.transport.get_write_buffer_size():
            self._watch_reader()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(REST_SECONDS, self._end_body, self.cycle)

    def pause_writing(self) -> None:
        """Begin to look whether somebody reads."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Everything was taken: stop looking."""
        super().resume_writing()
        self._stop_watching()

    def _is_one_too_many(self) -> bool:
        if len(self.connections) > MAX_CONNECTIONS:
            return True
        host = self.client[0] if self.client else ""
        if not host or _is_this_machine(host):
            return False
        hosts = Counter(
            one.client[0] for one in self.connections if isinstance(one, H11Protocol) and one.client
        )
        return hosts[host] > MAX_CONNECTIONS_PER_ADDRESS

    def _reader_inside_body(self, size: int) -> ContentLengthReader | None:
        """Return what counts a body, if what came are bytes of it that the application takes, but not its last."""
        reader = self.conn._reader  # noqa: SLF001 - h11 does not say how much it still expects
        if not isinstance(reader, ContentLengthReader):
            return None
        is_inside = (
            self.conn.their_state is h11.SEND_BODY
            and self.conn.our_state is not h11.DONE
            and not self.conn.they_are_waiting_for_100_continue
            and not self.conn._receive_buffer  # noqa: SLF001
            and size < reader._remaining  # noqa: SLF001
        )
        return reader if is_inside else None

    def _pass_on(self, data: bytes, reader: ContentLengthReader) -> None:
        """Give a piece of a body to the application as it is: by way of h11 it is copied five times.

        That was most of what an upload cost. Nothing is left out: h11 only counts such bytes.
        """
        reader._remaining -= len(data)  # noqa: SLF001
        if hasattr(self.transport, "max_size"):  # of asyncio's own loop; others read as they like
            self.transport.max_size = BODY_READ_BYTES
        # Bytes instead of the server's bytearray: it does not copy them when they are asked for.
        body = bytes(self.cycle.body) + data if self.cycle.body else data
        self.cycle.body = body  # type: ignore[assignment]
        if len(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def _close_after_this(self) -> None:
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _end_body(self, answered: object) -> None:
        if self.cycle is answered and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _watch_reader(self) -> None:
        if self._writing is None:
            self._unread = self.transport.get_write_buffer_size()
            self._writing = self.loop.call_later(WRITE_SECONDS, self._look_at_reader)

    def _look_at_reader(self) -> None:
        self._writing = None
        left = self.transport.get_write_buffer_size()
        if left and self._unread - left < MIN_READ_BYTES_PER_SECOND * WRITE_SECONDS:
            self.transport.abort()
        elif left:
            self._watch_reader()

    def _stop_watching(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _wait_for_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
