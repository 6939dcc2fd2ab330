"""Senders that never end: their connections do, and the portal's memory stays where it was."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.attacks.web.http.slow_client import Server, seconds_until_ended, server

pytestmark = pytest.mark.attack(53)

SOME = 8 * 1024
"""KiB of memory that a process may gain for reasons of its own."""
CONNECTIONS = 100
PATIENCE = 120.0
"""Seconds; the limits are a few, and a busy machine may take its time."""
MULTIPART = "multipart/form-data; boundary=x"
FILE_PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("portal") / "site") as started:
        yield started


def _left_over(running: Server) -> list[str]:
    return [path.name for path in (running.folder / "blobs/incoming").iterdir()]


def _is_up(running: Server) -> bool:
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_server_as_it_comes_waits_for_ever_for_a_head(tmp_path: Path) -> None:
    with server(tmp_path / "site", impatient=False) as patient, patient.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")

        assert seconds_until_ended(connection, b"x: y\r\n", 6) == (6, b"")


def test_a_head_that_does_not_end_is_not_waited_for(running: Server) -> None:
    before = running.memory
    connections = [running.connect() for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")

    took, answer = seconds_until_ended(connections[0], b"a: b\r\n", PATIENCE)

    assert (took < PATIENCE, answer) == (True, b"")
    for connection in connections:
        assert seconds_until_ended(connection, b"a: b\r\n", PATIENCE)[0] < PATIENCE
        connection.close()
    assert running.memory - before < SOME
    assert _is_up(running)


def test_a_connection_that_says_nothing_is_ended(running: Server) -> None:
    with running.connect() as connection:
        assert seconds_until_ended(connection, b"", PATIENCE)[0] < PATIENCE


@pytest.mark.parametrize("drip", [b"", b"1\r\nx\r\n"], ids=["silent", "a byte at a time"])
def test_a_body_that_does_not_end_is_broken_off(running: Server, drip: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(running.head(content_type=MULTIPART, transfer_encoding="chunked"))
        connection.sendall(b"%x\r\n%b\r\n" % (len(FILE_PART), FILE_PART))

        took, answer = seconds_until_ended(connection, drip, PATIENCE)

    assert took < PATIENCE
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert _left_over(running) == []


def _pour(running: Server, piece: bytes) -> tuple[float, int]:
    """Send the same again and again; return seconds and MiB until the other side ended it."""
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    began, sent = time.monotonic(), 0
    with running.connect() as connection:
        connection.sendall(running.head(content_type=MULTIPART, transfer_encoding="chunked"))
        connection.sendall(b"%x\r\n%b\r\n" % (len(FILE_PART), FILE_PART))
        with suppress(OSError):
            while time.monotonic() - began < PATIENCE:
                connection.sendall(chunk)
                sent += len(piece)
    return time.monotonic() - began, sent // 2**20


def test_an_upload_without_end_is_ended_and_kept_nowhere(running: Server) -> None:
    _pour(running, b"\0" * 2**20)  # what a first upload loads for good is not what is measured
    before = running.memory

    seconds, mebibytes = _pour(running, b"\0" * 2**20)

    assert seconds < PATIENCE
    # More came than the site takes, and none of it stays: neither on disk nor in memory.
    assert mebibytes > 8
    assert running.memory - before < SOME
    assert _left_over(running) == []
    assert _is_up(running)


def test_a_body_that_is_announced_as_too_large_is_not_read(running: Server) -> None:
    with running.connect() as connection:
        connection.sendall(running.head(content_type=MULTIPART, content_length=str(2**40)))
        connection.sendall(b"--x\r\n")

        took, answer = seconds_until_ended(connection, b"", PATIENCE)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert took < PATIENCE


def test_a_million_parts_are_not_counted_to_the_end(running: Server) -> None:
    part = b'\r\n--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n1'
    many = part * 1_000_000
    before = running.memory

    with running.connect() as connection:
        connection.sendall(running.head(content_type=MULTIPART, content_length=str(8 * 2**20)))
        connection.sendall(many[: 4 * 2**20])
        _, answer = seconds_until_ended(connection, b"", PATIENCE)
    _pour(running, many[: 2**20])

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The form has too many parts." in answer
    assert running.memory - before < SOME
    assert _left_over(running) == []
    assert _is_up(running)
