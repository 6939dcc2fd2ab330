"""How many connections there may be, of one client and in all; the others are closed at once."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from portal.web.middleware import slow_client_protocol
from portal.web.middleware.slow_client_protocol import ImpatientProtocol
from tests.support.servers.portal import free_port, serving

PROXY, CLIENT, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
OF_ONE, OF_ALL = 3, 6
ASKS = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def _digest(request: Request) -> PlainTextResponse:
    digest = hashlib.sha256()
    async for piece in request.stream():
        digest.update(piece)
    return PlainTextResponse(digest.hexdigest())


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(slow_client_protocol, "MAX_CONNECTIONS_PER_ADDRESS", OF_ONE)
    monkeypatch.setattr(slow_client_protocol, "MAX_CONNECTIONS", OF_ALL)
    # Only this machine is here: its other addresses stand for clients elsewhere.
    monkeypatch.setattr(slow_client_protocol, "_is_this_machine", lambda host: host == PROXY)
    app = Starlette(
        routes=[
            Route("/", lambda _request: PlainTextResponse("here")),
            Route("/digest", _digest, methods=["POST"]),
        ]
    )
    port = free_port()
    with serving(app, port, http=ImpatientProtocol):
        yield port


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def is_answered(opened: ExitStack, port: int, origin: str) -> bool:
    """Connect and ask; keep the connection."""
    connection = socket.create_connection(("127.0.0.1", port), 20, source_address=(origin, 0))
    opened.enter_context(connection)
    try:
        connection.sendall(ASKS)
        return connection.recv(64).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def test_one_client_has_so_many_and_another_is_answered(opened: ExitStack, port: int) -> None:
    of_one = [is_answered(opened, port, CLIENT) for _ in range(OF_ONE + 2)]

    assert of_one == [True] * OF_ONE + [False] * 2
    assert is_answered(opened, port, OTHER)


def test_a_closed_connection_makes_room(opened: ExitStack, port: int) -> None:
    with ExitStack() as closed:
        assert all(is_answered(closed, port, CLIENT) for _ in range(OF_ONE))
        assert not is_answered(opened, port, CLIENT)

    # The server hears of it a little later.
    assert any(is_answered(opened, port, CLIENT) or time.sleep(0.1) for _ in range(200))


def test_the_proxy_has_the_connections_of_all(opened: ExitStack, port: int) -> None:
    assert [is_answered(opened, port, PROXY) for _ in range(OF_ALL + 2)] == [True] * OF_ALL + [
        False
    ] * 2


def _post(size: int, *fields: str) -> bytes:
    lines = ("POST /digest HTTP/1.1", "host: x", f"content-length: {size}", *fields)
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("size", [1, 70_000, 5_000_003])
def test_bodies_of_any_length_come_as_they_were_sent_and_the_next_request_after_them(
    opened: ExitStack, port: int, size: int
) -> None:
    connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), 20))
    for fields in ([], ["expect: 100-continue"], []):
        body = os.urandom(size)
        connection.sendall(_post(size, *fields))
        if fields:
            assert connection.recv(1024).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        answer = b""
        while not answer.endswith(hashlib.sha256(body).hexdigest().encode()):
            piece = connection.recv(65536)
            assert piece, answer
            answer += piece


def test_what_follows_a_body_is_another_request(opened: ExitStack, port: int) -> None:
    connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), 20))
    body = os.urandom(3_000_000)

    connection.sendall(_post(len(body)) + body[:1_000_000])
    connection.sendall(body[1_000_000:] + ASKS)
    answers = b""
    while piece := connection.recv(65536):
        answers += piece

    first, _, rest = answers.partition(hashlib.sha256(body).hexdigest().encode())
    assert first.startswith(b"HTTP/1.1 200")
    assert rest == b"" or rest.startswith(b"HTTP/1.1 200")
