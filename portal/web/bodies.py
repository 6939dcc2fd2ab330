"""Bounds what a request may send, and how slowly, before anything reads it."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 64 * 1024
"""More than any form without a file can need."""

FORM_ALLOWANCE = 64 * 1024
"""What the fields and the frame of an upload may take beside the file itself."""

UPLOADS = re.compile(r"/challenges/[^/]+/submit|/api/v1/challenges/[^/]+/submissions")
"""The addresses that take a file: the form's and the API's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How slowly a body may come before its sender is told that it took too long."""

    pause: float = 30.0
    """Seconds without a byte."""
    start: float = 60.0
    """Seconds after which the pace counts."""
    pace: float = 1024.0
    """Bytes a second that have to come on average."""


class BodyLimit:
    """Stop reading when a body is longer, or comes slower, than its address allows."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        upload_limit: int,
        patience: Patience = Patience(),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._upload_limit = upload_limit
        self._patience = patience
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that ends in 413 when it grows too long, in 408 if slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        announced = Headers(scope=scope).get("content-length", "0")
        read = int(announced) if announced.isdecimal() and int(announced) > limit else 0
        began = self._seconds()
        is_over = False

        async def receive_bounded() -> Message:
            nonlocal read, is_over
            if read > limit:
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
            async with asyncio.timeout(self._patience.pause):
                return await receive()
        except TimeoutError as error:
            raise HTTPException(408) from error

    def _is_slow(self, read: int, seconds: float) -> bool:
        return seconds > self._patience.start and read < seconds * self._patience.pace

    def _limit(self, path: str) -> int:
        return self._upload_limit + FORM_ALLOWANCE if UPLOADS.fullmatch(path) else SMALL
