"""No body grows longer than its address allows, announced or not."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from portal.web.bodies import FORM_ALLOWANCE, SMALL, BodyLimit

UPLOAD = 1_000_000


def _read(path: str, size: int, *, announced: bool) -> int:
    """Send a body in pieces through the limit; return how much came through."""
    pieces: Iterator[int] = iter([min(10_000, size - n) for n in range(0, size, 10_000)])
    came = 0

    async def inner(_scope: Scope, receive: Receive, _send: Send) -> None:
        nonlocal came
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
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(BodyLimit(inner, upload_limit=UPLOAD)(scope, receive, send))
    return came


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/logout", SMALL),
        ("/challenges/digits", SMALL),
        ("/other/submit", SMALL),
        ("/challenges/digits/submit", UPLOAD + FORM_ALLOWANCE),
    ],
)
def test_the_limit_is_the_addresss_own(path: str, limit: int, announced: bool) -> None:
    assert _read(path, limit, announced=announced) == limit
    with pytest.raises(HTTPException) as refusal:
        _read(path, limit + 1, announced=announced)
    assert refusal.value.status_code == 413
