"""No body grows longer than its route allows, announced or not."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from portal.web.middleware.bodies import (
    MAX_FIELDS_BYTES,
    MAX_FORM_BYTES,
    BodyLimit,
    UploadRoute,
    UploadTimeouts,
)

UPLOAD = 1_000_000


def _endpoint(_request: Request) -> Response:
    raise AssertionError


def _read(route: Route | None, size: int, *, announced: bool) -> int:
    """Send a body in pieces through the limit; return how much came through."""
    pieces: Iterator[int] = iter([min(10_000, size - n) for n in range(0, size, 10_000)])
    came = 0

    async def inner(scope: Scope, receive: Receive, _send: Send) -> None:
        nonlocal came
        if route is not None:
            scope["route"] = route
        more = True
        while more:
            message = await receive()
            came += len(message["body"])
            more = message["more_body"]

    async def receive() -> Message:
        piece = next(pieces, 0)
        return {"type": "http.request", "body": b"x" * piece, "more_body": piece > 0}

    async def send(_message: Message) -> None:
        raise AssertionError

    headers = [(b"content-length", str(size).encode())] if announced else []
    scope = {"type": "http", "path": "/", "headers": headers}
    asyncio.run(BodyLimit(inner, upload_limit=UPLOAD)(scope, receive, send))
    return came


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("route", "limit"),
    [
        pytest.param(None, MAX_FORM_BYTES, id="not routed"),
        pytest.param(Route("/form", _endpoint), MAX_FORM_BYTES, id="form"),
        pytest.param(UploadRoute("/upload", _endpoint), UPLOAD + MAX_FIELDS_BYTES, id="upload"),
    ],
)
def test_the_limit_is_what_the_matched_route_says(
    route: Route | None, limit: int, announced: bool
) -> None:
    assert _read(route, limit, announced=announced) == limit
    with pytest.raises(HTTPException) as refusal:
        _read(route, limit + 1, announced=announced)
    assert refusal.value.status_code == 413


QUICK = UploadTimeouts(idle=0.05, grace=10, min_bytes_per_second=100)


def _read_slowly(gap: float, seconds: float) -> int:
    """Read a body of pieces of 10 bytes with gaps between; the clock shows ``seconds`` each time."""
    clock = iter([0.0, *[seconds] * 100])

    async def inner(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        # Waiting for the sender to leave, as a streamed answer does, may take long.
        assert (await receive())["type"] == "http.disconnect"

    pieces = iter([(True, b"x" * 10), (True, b"x" * 10), (False, b"")])

    async def receive() -> Message:
        await asyncio.sleep(gap)
        more, body = next(pieces, (None, b""))
        if more is None:
            await asyncio.sleep(QUICK.idle * 2)
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(_message: Message) -> None:
        raise AssertionError

    limit = BodyLimit(inner, upload_limit=UPLOAD, timeouts=QUICK, seconds=lambda: next(clock))
    try:
        asyncio.run(limit({"type": "http", "path": "/x", "headers": []}, receive, send))
    except HTTPException as refusal:
        return refusal.status_code
    return 200


@pytest.mark.parametrize(
    ("gap", "seconds", "status"),
    [
        pytest.param(0, 0, 200, id="at-once"),
        pytest.param(0, 10, 200, id="slow-at-first"),
        pytest.param(0, 11, 408, id="slow-for-long"),
        pytest.param(0.2, 0, 408, id="nothing-comes"),
    ],
)
def test_a_body_that_comes_too_slowly_is_broken_off(
    gap: float, seconds: float, status: int
) -> None:
    assert _read_slowly(gap, seconds) == status
