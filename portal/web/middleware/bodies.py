"""Bounds what a request may send, and how slowly, before anything reads it.

A route says for itself that it takes a file: ``TakesFile`` in the route table. What is bounded is what
the application reads, by the route that was matched, so that there is no list of addresses beside the table.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FORM_BYTES = 64 * 1024
"""More than any form without a file can need."""

MAX_FIELDS_BYTES = 64 * 1024
"""What the fields and the frame of an upload may take beside the file itself."""


MAX_TEXT_BYTES = 1024 * 1024
"""A text of 256 KiB takes three times as much where all of its bytes are escaped."""


class TakesFile:
    """A route whose body may be as long as the site's limit for uploads."""


class UploadRoute(TakesFile, Route):
    """An address that takes a file."""


class TextRoute(Route):
    """An address that takes a page's text in a form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTimeouts:
    """How slowly a body may come before its sender is informed that it took too long."""

    idle: float = 30.0
    """Seconds without a byte."""
    grace: float = 60.0
    """Seconds after which the pace counts."""
    min_bytes_per_second: float = 1024.0
    """What has to come on average."""


class BodyLimit:
    """Stop reading when a body is longer, or comes slower, than its route allows."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        upload_limit: int,
        timeouts: UploadTimeouts = UploadTimeouts(),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._upload_limit = upload_limit
        self._timeouts = timeouts
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that ends in 413 when it grows too long, in 408 if slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = _content_length(scope)
        began = self._seconds()
        read, is_over = 0, False

        async def receive_bounded() -> Message:
            nonlocal read, is_over
            # Looked up when something is read: by then the router has written down which route it is.
            limit = self._limit(scope)
            if max(read, announced) > limit:
                raise HTTPException(413)
            if is_over:
                # What comes after the body is word that the sender has left: that may take long.
                return await receive()
            message = await self._next(receive)
            read += len(message.get("body", b""))
            is_over = not message.get("more_body", False)
            if read > limit:
                raise HTTPException(413)
            if not is_over and self._is_slow(read, self._seconds() - began):
                raise HTTPException(408)
            return message

        await self._app(scope, receive_bounded, send)

    async def _next(self, receive: Receive) -> Message:
        try:
            async with asyncio.timeout(self._timeouts.idle):
                return await receive()
        except TimeoutError as error:
            raise HTTPException(408) from error

    def _is_slow(self, read: int, seconds: float) -> bool:
        is_late = seconds > self._timeouts.grace
        return is_late and read < seconds * self._timeouts.min_bytes_per_second

    def _limit(self, scope: Scope) -> int:
        route = scope.get("route")
        if isinstance(route, TakesFile):
            return self._upload_limit + MAX_FIELDS_BYTES
        return MAX_TEXT_BYTES if isinstance(route, TextRoute) else MAX_FORM_BYTES


def _content_length(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "0")
    # h11 lets through digits only, at most twenty: int() cannot be made to work for long.
    return int(announced) if announced.isascii() and announced.isdecimal() else 0
