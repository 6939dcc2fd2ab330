"""Bounds what a request may send, before anything reads it."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 64 * 1024
"""More than any form without a file can need."""

FORM_ALLOWANCE = 64 * 1024
"""What the fields and the frame of an upload may take beside the file itself."""

UPLOAD_PATH_END = "/submit"


class BodyLimit:
    """Stop reading when a body is longer than its address allows, announced or not."""

    def __init__(self, app: ASGIApp, *, upload_limit: int) -> None:
        self._app = app
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that ends in 413 when it grows too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        announced = Headers(scope=scope).get("content-length", "0")
        read = int(announced) if announced.isdecimal() and int(announced) > limit else 0

        async def receive_bounded() -> Message:
            nonlocal read
            if read > limit:
                raise HTTPException(413)
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_bounded, send)

    def _limit(self, path: str) -> int:
        if path.startswith("/challenges/") and path.endswith(UPLOAD_PATH_END):
            return self._upload_limit + FORM_ALLOWANCE
        return SMALL
