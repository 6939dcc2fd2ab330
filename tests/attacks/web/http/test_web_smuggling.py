"""Requests that a proxy and the portal could cut differently: one refusal, and the connection ends."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.attacks.web.http.slow_client import Server, server

pytestmark = pytest.mark.attack(73)

SECOND = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
EARLY = 303
"""The answer to who is not logged in: the portal needs no body for it."""


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    """Return a request, with another one hidden behind it."""
    head = b"POST /logout HTTP/" + version + b"\r\nhost: x\r\n" + b"".join(lines) + b"\r\n"
    return head + body + SECOND


SMUGGLED = {
    "length and coding": post(b"content-length: 5\r\n", CHUNKED, body=b"0\r\n\r\n"),
    "coding and length": post(CHUNKED, b"content-length: 5\r\n", body=b"0\r\n\r\n"),
    "length 0 and coding": post(b"content-length: 0\r\n", CHUNKED, body=b"0\r\n\r\n"),
    "length twice": post(b"content-length: 0\r\n", b"content-length: 0\r\n"),
    "two lengths": post(b"content-length: 0\r\n", b"content-length: 36\r\n"),
    "a list of lengths": post(b"content-length: 0, 0\r\n"),
    "length with a sign": post(b"content-length: +0\r\n"),
    "length with a blank inside": post(b"content-length: 0 0\r\n"),
    "empty length": post(b"content-length: \r\n"),
    "hexadecimal length": post(b"content-length: 0x0\r\n"),
    "blank before the colon": post(b"content-length : 36\r\n"),
    "blank before the name": post(b" content-length: 36\r\n"),
    "coding with a blank before the colon": post(b"transfer-encoding : chunked\r\n"),
    "folded": post(b"transfer-encoding:\r\n chunked\r\n", body=b"0\r\n\r\n"),
    "folded by a tab": post(b"x: y\r\n\tcontent-length: 36\r\n"),
    "bare line feeds": b"GET /healthz HTTP/1.1\nhost: x\n\n" + SECOND,
    "one bare line feed": post(b"x: y\ncontent-length: 36\r\n"),
    "bare line feed at the end": b"GET /healthz HTTP/1.1\r\nhost: x\r\n\n" + SECOND,
    "bare carriage return": post(b"x: y\rcontent-length: 36\r\n"),
    "empty line first": b"\n" + SECOND + SECOND,
    "NUL": post(b"content-length\0: 36\r\n"),
    "coding twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "another coding": post(b"transfer-encoding: identity\r\n"),
    "coding with more": post(b"transfer-encoding: gzip, chunked\r\n", body=b"0\r\n\r\n"),
    "coding with a tab": post(b"transfer-encoding: \x0bchunked\r\n", body=b"0\r\n\r\n"),
    "coding in HTTP/1.0": post(CHUNKED, body=b"0\r\n\r\n", version=b"1.0"),
    "two hosts": b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n" + SECOND,
    "another version": b"GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n" + SECOND,
}
"""What the head already shows."""
SMUGGLED_IN_BODY = {
    "extension of a chunk": post(CHUNKED, body=b"0;a=b\r\n\r\n"),
    "chunk with a blank": post(CHUNKED, body=b"0 \r\n\r\n"),
    "chunk ended by a line feed": post(CHUNKED, body=b"5\nabcde\r\n0\r\n\r\n"),
    "negative chunk": post(CHUNKED, body=b"-1\r\n\r\n"),
    "endless size of a chunk": post(CHUNKED, body=b"0" * 20 + b"\r\n\r\n"),
    "length after the last chunk": post(CHUNKED, body=b"0\r\ncontent-length: 36\r\n\r\n"),
    "coding after the last chunk": post(CHUNKED, body=b"0\r\ntransfer-encoding: chunked\r\n\r\n"),
}
"""What only the body shows: the portal may have answered before that came."""
ALL = SMUGGLED | SMUGGLED_IN_BODY


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("portal") / "site") as started:
        yield started


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("portal") / "site", impatient=False) as started:
        yield started


def answers(running: Server, *pieces: bytes) -> list[int]:
    """Send it; return the statuses of all that came until the other side ended the connection."""
    with running.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        received = rest(connection)
    parts = received.split(b"HTTP/1.1 ")[1:]
    return [int(part[:3]) for part in parts]


def rest(connection: socket.socket) -> bytes:
    """Return what still comes until the other side ends the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while more := connection.recv(65536):
            received += more
    return received


def test_the_server_as_it_comes_answers_twice(lenient: Server) -> None:
    assert len(answers(lenient, SMUGGLED["length and coding"])) == 2


@pytest.mark.parametrize("request_bytes", ALL.values(), ids=ALL)
def test_it_is_refused_once_and_the_connection_ends(running: Server, request_bytes: bytes) -> None:
    assert answers(running, request_bytes) == [400]


@pytest.mark.parametrize("request_bytes", SMUGGLED.values(), ids=SMUGGLED)
def test_it_is_also_refused_byte_by_byte(running: Server, request_bytes: bytes) -> None:
    first = request_bytes.removesuffix(SECOND)
    pieces = [first[n : n + 1] for n in range(len(first))]

    assert answers(running, *pieces) == [400]


@pytest.mark.parametrize("request_bytes", SMUGGLED_IN_BODY.values(), ids=SMUGGLED_IN_BODY)
def test_a_body_that_comes_byte_by_byte_hides_nothing_behind_it(
    running: Server, request_bytes: bytes
) -> None:
    pieces = [request_bytes[n : n + 1] for n in range(len(request_bytes))]

    [status] = answers(running, *pieces)

    assert status in {400, EARLY}


@pytest.mark.parametrize("request_bytes", SMUGGLED_IN_BODY.values(), ids=SMUGGLED_IN_BODY)
def test_a_body_after_the_answer_hides_nothing_behind_it(
    running: Server, request_bytes: bytes
) -> None:
    head, end, body = request_bytes.partition(b"\r\n\r\n")
    with running.connect() as connection:
        connection.sendall(head + end)
        answer = connection.recv(65536)
        assert answer.startswith(f"HTTP/1.1 {EARLY} ".encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(body)

        assert rest(connection) == b""


def test_who_asks_again_before_the_answer_is_answered_once(running: Server) -> None:
    assert answers(running, SECOND * 50) == [200]


def test_honest_requests_use_one_connection_one_after_the_other(running: Server) -> None:
    with running.connect() as connection:
        for _ in range(3):
            connection.sendall(SECOND)
            assert _one(connection).startswith(b"HTTP/1.1 200 ")


def _one(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < length:
        body += connection.recv(65536)
    return received
