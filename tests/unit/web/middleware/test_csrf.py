"""Which requests count as our own."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from portal.web.middleware.csrf import SameOriginOnly

OURS = "https://challenges.example.org"


async def _inner(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("passed on")(scope, receive, send)


def _refuse(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("refused", 403)


def _status(method: str, headers: dict[str, str]) -> int:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(SameOriginOnly(_inner, site_origin=OURS, refuse=_refuse)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"sec-fetch-site": "same-origin"}, 200, id="our-page"),
        pytest.param({"sec-fetch-site": "none"}, 200, id="the-person-themselves"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="another-site"),
        pytest.param({"sec-fetch-site": "same-site"}, 403, id="a-neighbour"),
        pytest.param(
            {"sec-fetch-site": "cross-site", "origin": OURS}, 403, id="metadata-comes-first"
        ),
        pytest.param({"origin": OURS}, 200, id="old-browser"),
        pytest.param({"origin": "https://evil.example"}, 403, id="old-browser-another-site"),
        pytest.param({"origin": "null"}, 403, id="hidden-origin"),
        pytest.param({"cookie": "a=b"}, 403, id="cookie-without-origin"),
        pytest.param({}, 200, id="script-without-cookie"),
    ],
)
def test_a_changing_request_is_ours_or_refused(headers: dict[str, str], status: int) -> None:
    assert _status("POST", headers) == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_open_to_other_sites(method: str) -> None:
    assert _status(method, {"sec-fetch-site": "cross-site"}) == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "ANYTHING"])
def test_every_other_method_is_checked(method: str) -> None:
    assert _status(method, {"sec-fetch-site": "cross-site"}) == 403
