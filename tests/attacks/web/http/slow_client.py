"""A portal in a process of its own, whose memory can be measured, and senders that behave badly."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
import socket
import sys
from pathlib import Path
import uvicorn
from portal.domain.accounts.tokens import Scope
from portal.web.middleware import bodies, slow_client_protocol
from portal.web.app import create_app
from tests.support import factories
from tests.support.servers.portal import make_token, new_context

folder, impatient = Path(sys.argv[1]), sys.argv[2] == "impatient"
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
port = listener.getsockname()[1]
# The limits are the site's, only shorter, so that a test need not wait for minutes.
slow_client_protocol.HEAD_SECONDS, slow_client_protocol.REST_SECONDS = 2.0, 1.0
slow_client_protocol.WRITE_SECONDS, slow_client_protocol.SEND_BUFFER_BYTES = 2.0, 8 * 2**10
bodies.BodyLimit.__init__.__kwdefaults__["timeouts"] = bodies.UploadTimeouts(idle=2.0, grace=3.0)
context = new_context(folder, site_url=f"http://127.0.0.1:{port}", upload_limit=8 * 2**20)
with context.database.writing() as session:
    digits = factories.add_challenge(session)
    person = factories.add_person(session, "Ada")
token = make_token(context, person.id, Scope.SUBMIT, lasts=factories.DAY)
(folder / "token").write_text(token)
protocol = slow_client_protocol.ImpatientProtocol if impatient else "h11"
config = uvicorn.Config(create_app(context), log_level="error", lifespan="off", http=protocol)
listener.listen()
(folder / "port.new").write_text(str(port))
(folder / "port.new").rename(folder / "port")
uvicorn.Server(config).run(sockets=[listener])
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A portal that listens."""

    port: int
    pid: int
    folder: Path

    @property
    def memory(self) -> int:
        """Return what the process has in memory now, in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()

    def head(self, **headers: str) -> bytes:
        """Return the head of an upload."""
        sent = {"host": "x", "authorization": f"Bearer {self.token}", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        path = "/api/v1/challenges/digits/submissions"
        return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()

    def connect(self, origin: str = "127.0.0.1", *, window: int = 0) -> socket.socket:
        """Connect from an address of this machine, with so much room for what nobody reads."""
        connection = socket.socket()
        if window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.settimeout(180)
        try:
            connection.bind((origin, 0))
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection


@contextmanager
def server(folder: Path, *, impatient: bool = True) -> Iterator[Server]:
    """Serve a portal from another process until the end of the block."""
    folder.mkdir()
    word = "impatient" if impatient else "patient"
    argv = [sys.executable, "-c", PROGRAM, str(folder), word]
    process = subprocess.Popen(argv, cwd=Path(__file__).parents[4])
    try:
        yield Server(port=_port(process, folder), pid=process.pid, folder=folder)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(120)


def _port(process: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Wait until the portal listens; it takes a port itself, as one that is free now may be taken by then."""
    said = folder / "port"
    for _ in range(1_800):
        if said.exists():
            return int(said.read_text())
        assert process.poll() is None, "the portal did not start"
        time.sleep(0.1)
    raise AssertionError("the portal did not start in time")


def seconds_until_ended(connection: socket.socket, drip: bytes, most: float) -> tuple[float, bytes]:
    """Send a little again and again until the other side ends it.

    Return after how many seconds that was, or ``most``, and what it answered.
    """
    began = time.monotonic()
    answer = b""
    connection.settimeout(0.25)
    while (passed := time.monotonic() - began) < most:
        try:
            connection.sendall(drip)
            received = connection.recv(65536)
            if not received:
                return passed, answer
            answer += received
        except TimeoutError:
            continue
        except OSError:
            return passed, answer
    return most, answer
