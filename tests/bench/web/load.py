"""A small HTTP client that costs little beside what it measures: kept connections, bare sockets."""

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT = 30.0
"""Seconds that one answer may take."""
_RECEIVE = 256 * 1024


class LoadError(Exception):
    """A server did not answer as it should."""


@dataclass(slots=True, kw_only=True)
class Target:
    """One address, and what was measured of it."""

    name: str
    port: int
    path: str
    pid: int = 0
    """Of the server, to count what it computes."""
    cookie: str = ""
    size: int = 0
    seconds: float = 0.0
    computed: float = 0.0
    """Seconds of processor time that the server took."""
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the answers per second over all rounds."""
        return len(self.latencies) / self.seconds

    @property
    def request(self) -> bytes:
        """Return the request as it is sent each time."""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"User-Agent: sealrun-bench\r\n{cookie}\r\n"
        ).encode()


def fetch(target: Target) -> bytes:
    """Take a page once; return its body."""
    with _connected(target.port) as connection:
        return connection.ask(target.request)


def run_round(target: Target, *, requests: int, connections: int, keep: bool = True) -> None:
    """Ask ``requests`` times over ``connections`` at once, each of them one after the other."""
    share = requests // connections
    started, computed = time.perf_counter(), processor_seconds(target.pid)
    with ThreadPoolExecutor(connections) as pool:
        rounds = [pool.submit(_ask_often, target, share) for _ in range(connections)]
        latencies = [latency for done in rounds for latency in done.result()]
    if keep:
        target.seconds += time.perf_counter() - started
        target.computed += processor_seconds(target.pid) - computed
        target.latencies += latencies


def processor_seconds(pid: int) -> float:
    """Return what a process has computed so far: fields 14 and 15 of its stat file, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ask_often(target: Target, times: int) -> list[float]:
    request = target.request
    latencies = []
    with _connected(target.port) as connection:
        for _ in range(times):
            sent = time.perf_counter()
            body = connection.ask(request)
            latencies.append(time.perf_counter() - sent)
            if len(body) != target.size:
                raise LoadError(f"{target.name}: {len(body)} bytes instead of {target.size}")
    return latencies


@contextmanager
def _connected(port: int) -> Iterator["_Connection"]:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield _Connection(opened)


class _Connection:
    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def ask(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        head, begun, body = self._receive().partition(b"\r\n\r\n")
        while not begun:
            head, begun, body = (head + self._receive()).partition(b"\r\n\r\n")
        status, *lines = head.lower().split(b"\r\n")
        if b" 200 " not in status:
            raise LoadError(f"{request.split()[1].decode()}: {status.decode()}")
        length = next(int(li[15:]) for li in lines if li.startswith(b"content-length:"))
        parts = [body]
        missing = length - len(body)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _receive(self) -> bytes:
        received = self._socket.recv(_RECEIVE)
        if not received:
            raise LoadError("the server closed the connection")
        return received
