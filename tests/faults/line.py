"""The line between portal and cluster: a program on the loopback that can hand on each piece late.

There is no netem in every kernel. A line that is slow from one moment to the next, without a new
connection, shows what happens to commands that are already on their way.
"""

import contextlib
import queue
import socket
import threading
import time

_BLOCK = 65536


class Line:
    """Listens on the loopback and connects to ``address``, port 22. Set ``delay``, in seconds, at any time."""

    def __init__(self, address: str) -> None:
        self.delay = 0.0
        self._address = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._opened: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """End the line and all connections over it."""
        for one in (self._listener, *self._opened):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection((self._address, 22))
        except OSError:
            near.close()
            return
        self._opened.extend((near, far))
        for pair in ((near, far), (far, near)):
            threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket) -> None:
        pieces: queue.Queue[tuple[float, bytes]] = queue.Queue()
        threading.Thread(target=_deliver, args=(pieces, sink), daemon=True).start()
        piece = b"begin"
        while piece:
            try:
                piece = source.recv(_BLOCK)
            except OSError:
                piece = b""
            pieces.put((time.monotonic() + self.delay, piece))


def _deliver(pieces: queue.Queue[tuple[float, bytes]], sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(piece)
