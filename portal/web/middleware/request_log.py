"""One line per request in the log, under a number that people can quote."""

import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.domain.ids import ALPHABET

log = structlog.get_logger("sealrun.web")

REFERENCE_LENGTH = 10


def new_request_id() -> str:
    """Return a number for a request: short enough to be read out on the telephone."""
    return "".join(secrets.choice(ALPHABET) for _ in range(REFERENCE_LENGTH))


class RequestLog:
    """Give each request a reference, and log what became of it.

    The query string is not logged: during a login it holds the code and the state.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})["request_id"] = new_request_id()
        began = time.perf_counter()
        status = 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_noted)
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round((time.perf_counter() - began) * 1000),
                )
