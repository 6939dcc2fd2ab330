"""Hundreds of connections that ask and never read: they are ended, and others are answered."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from portal.web.middleware.in_flight import MAX_AT_ONCE, MAX_WAITING
from tests.attacks.web.http.slow_client import Server, server

pytestmark = pytest.mark.attack(73)

CONNECTIONS = 300
ATTACKER = "127.0.0.2"
SMALL_WINDOW = 4096
LARGE = b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
PAGE = b"GET /challenges/digits HTTP/1.1\r\nhost: x\r\n\r\n"
PATIENCE = 180.0
"""Seconds; the limits are a few, and a busy machine may take its time."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("portal") / "site") as started:
        yield started


def _ended(running: Server, sent: bytes, *, reads: int = 0) -> bool:
    """Ask, read no more than so many bytes now and then; tell whether the other side ended it."""
    with running.connect(window=SMALL_WINDOW) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            time.sleep(0.2)
            try:
                if reads and not connection.recv(reads):
                    return True
                # Whoever is cut off learns it when they send.
                connection.sendall(b"\r")
            except OSError:
                return True
    return False


@pytest.mark.parametrize("reads", [0, 1], ids=["nothing", "a byte now and then"])
def test_an_answer_that_is_not_read_is_not_kept(running: Server, reads: int) -> None:
    assert _ended(running, LARGE, reads=reads)


def test_a_reader_who_is_slow_but_reads_has_the_whole_answer(running: Server) -> None:
    received = b""
    with running.connect(window=SMALL_WINDOW) as connection:
        connection.sendall(LARGE.replace(b"host", b"connection: close\r\nhost"))
        while more := connection.recv(2048):
            received += more
            time.sleep(0.05)

    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}\r\n".encode() in head.lower() + b"\r\n"


class Flood(threading.Thread):
    """Keeps so many connections open that ask again and again and never read."""

    def __init__(self, running: Server) -> None:
        super().__init__(daemon=True)
        self.running = running
        self.is_over = threading.Event()
        self.asked = 0

    def run(self) -> None:
        connections = [self.running.connect(ATTACKER) for _ in range(CONNECTIONS)]
        while not self.is_over.is_set():
            for place, connection in enumerate(connections):
                try:
                    connection.send(PAGE)
                    self.asked += 1
                except OSError:
                    connection.close()
                    with suppress(OSError):
                        connections[place] = self.running.connect(ATTACKER)
            time.sleep(0.05)
        for connection in connections:
            connection.close()


def _seconds(running: Server) -> float:
    """Ask for a page as somebody else; return how long the answer took."""
    began = time.monotonic()
    with running.connect() as connection:
        connection.sendall(PAGE)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    return time.monotonic() - began


def test_others_are_answered_meanwhile(running: Server) -> None:
    before = max(_seconds(running) for _ in range(5))
    flood = Flood(running)
    flood.start()
    while flood.asked < CONNECTIONS:
        time.sleep(0.01)

    during = sorted(_seconds(running) for _ in range(20))

    flood.is_over.set()
    flood.join(PATIENCE)
    assert flood.asked > CONNECTIONS
    # As if all that one client may have worked on were before it, and the machine busy with the flood itself.
    assert during[10] < max(2.0, 4 * before * MAX_AT_ONCE), during


def test_what_nobody_waits_for_is_refused_at_once(running: Server) -> None:
    connections = [running.connect(ATTACKER) for _ in range(2 * (MAX_AT_ONCE + MAX_WAITING))]
    for connection in connections:
        connection.sendall(PAGE)

    statuses = {connection.recv(64)[9:12] for connection in connections}

    for connection in connections:
        connection.close()
    assert statuses <= {b"200", b"429"}
    assert b"200" in statuses
