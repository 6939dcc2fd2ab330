"""Tries that several processes count together: one of them counts, the others ask it over a socket.

A question is a line of JSON, ``[rate, name, who]``; the answer is a line with the seconds to wait. The socket is in a
directory that nobody but this account can enter.
"""

import json
import shutil
import socket
import socketserver
import tempfile
import threading
from pathlib import Path
from typing import Self

from portal.web.middleware.rate_limits import Counting, MemoryCounting

MAX_LINE_BYTES = 4096
"""Of a question, and of an answer."""
ANSWER_SECONDS = 5.0
"""How long an answer may take, which is there at once unless the other process is stopped."""


class CountingServer:
    """Counts for other processes, from a thread, until the end of the ``with`` block."""

    def __init__(self) -> None:
        self.counting = MemoryCounting()
        self._directory = Path(tempfile.mkdtemp(prefix="sealrun-rates-"))
        self._server = _Server(self.path, self.counting)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="rates", daemon=True
        )

    @property
    def path(self) -> Path:
        """Return where the socket is."""
        return self._directory / "socket"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        shutil.rmtree(self._directory, ignore_errors=True)


class SharedCounting:
    """Counts where a ``CountingServer`` does; its threads take turns on one connection."""

    waits = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._connection: socket.socket | None = None

    def hit(self, rate: str, name: str, who: str) -> int:
        """Count a try, as the protocol says. What is not answered may have been counted."""
        question = json.dumps([rate, name, who]).encode() + b"\n"
        with self._turn:
            try:
                return self._ask(question)
            except (OSError, ValueError) as error:
                # A late answer must not be taken for that of the next question.
                self.close()
                raise ConnectionError(f"tries are not counted: {error}") from error

    def close(self) -> None:
        """Give the connection up; the next question makes another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, question: bytes) -> int:
        if self._connection is None:
            self._connection = _connected(self._path)
        self._connection.sendall(question)
        with self._connection.makefile("rb") as answers:
            # There is one answer to a question, so that nothing is left in the reader.
            return int(answers.readline(MAX_LINE_BYTES))


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: Path, counting: Counting) -> None:
        super().__init__(str(path), _Questions)
        self.counting = counting


class _Questions(socketserver.StreamRequestHandler):
    """Answers a process until it ends; whatever is no question ends the connection."""

    server: _Server

    def handle(self) -> None:
        try:
            while line := self.rfile.readline(MAX_LINE_BYTES):
                rate, name, who = json.loads(line)
                seconds = self.server.counting.hit(str(rate), str(name), str(who))
                self.wfile.write(f"{seconds}\n".encode())
        except (OSError, ValueError, TypeError):
            # The other process ended in the middle, or what came was cut off.
            return
