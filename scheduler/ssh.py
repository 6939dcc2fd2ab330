"""Run commands on a login node through SSH, with a pinned host key and one connection.

This is the only module that knows paramiko.
"""

import contextlib
import select
import shlex
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Never

import paramiko

from scheduler.errors import AnswerTooLong, HostKeyRefused, TransportDown, TransportTimeout
from scheduler.transport import DEFAULT_PATH, MAX_OUTPUT_BYTES, Finished

_CHUNK = 65536
_KEEPALIVE_SECONDS = 30
# sshd's MaxSessions is 10 unless the site changed it; one more would be refused.
_CHANNELS = 8


class SshTransport:
    """Start programs on one host as one user.

    ``known_hosts`` is the only source of host keys: an unknown or changed key is ``HostKeyRefused``
    each time. No agent, no password and no other key than ``key_file`` is ever tried.
    """

    def __init__(
        self,
        *,
        host: str,
        user: str,
        key_file: Path,
        known_hosts: Path,
        port: int = 22,
        path: str = DEFAULT_PATH,
        connect_timeout: timedelta = timedelta(seconds=15),
        max_output: int = MAX_OUTPUT_BYTES,
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._prefix = ["env", "-i", f"PATH={path}"]
        self._connect_timeout = connect_timeout.total_seconds()
        self._max_output = max_output
        self._lock = threading.Lock()
        self._channels = threading.BoundedSemaphore(_CHANNELS)
        self._connection: _Connection | None = None

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        """Run ``argv`` there. The connection is kept for the next call and renewed when it is dead."""
        deadline = time.monotonic() + timeout.total_seconds()
        # SSH carries one string, which the login shell splits again; this is its inverse.
        command = shlex.join([*self._prefix, *argv])
        if not self._channels.acquire(timeout=timeout.total_seconds()):
            raise TransportTimeout(f"no free session on {self._host} in time")
        try:
            with self._session(deadline) as channel:
                return _Exchange(channel, deadline, self._max_output).run(command, stdin)
        finally:
            self._channels.release()

    def close(self) -> None:
        """Close the connection. The next ``run`` opens another."""
        with self._lock:
            self._retire(self._connection)

    @contextlib.contextmanager
    def _session(self, deadline: float) -> Iterator[paramiko.Channel]:
        """Open a session. Nothing was sent yet when this fails, so one dead connection is replaced."""
        connection, channel = self._open(deadline)
        try:
            yield channel
        except TransportTimeout:
            # The host or the way to it may be dead; a fresh connection will find out.
            with self._lock:
                self._retire(connection)
            raise
        finally:
            with contextlib.suppress(OSError, EOFError):
                channel.close()
            with self._lock:
                connection.leave()

    def _open(self, deadline: float) -> tuple["_Connection", paramiko.Channel]:
        failure: Exception = TransportDown("not tried")
        for _ in range(2):
            connection = self._enter(deadline)
            try:
                remaining = max(0.1, deadline - time.monotonic())
                return connection, connection.transport.open_session(timeout=remaining)
            except (paramiko.SSHException, EOFError, OSError) as broken:
                failure = broken
                with self._lock:
                    connection.leave()
                    self._retire(connection)
                if time.monotonic() >= deadline:
                    raise TransportTimeout(f"{self._host} opens no session in time") from broken
        raise TransportDown(f"cannot open a session on {self._host}: {failure}") from failure

    def _enter(self, deadline: float) -> "_Connection":
        with self._lock:
            if self._connection is None or not self._connection.transport.is_active():
                self._retire(self._connection)
                self._connection = _Connection(self._connect(deadline))
            self._connection.users += 1
            return self._connection

    def _retire(self, connection: "_Connection | None") -> None:
        """Give no further session on ``connection``; it closes when its last session has ended."""
        if connection is None:
            return
        connection.retired = True
        connection.close_if_unused()
        if connection is self._connection:
            self._connection = None

    def _connect(self, deadline: float) -> paramiko.SSHClient:
        patience = max(0.1, min(self._connect_timeout, deadline - time.monotonic()))
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_RefuseUnknown())
        try:
            client.load_host_keys(str(self._known_hosts))
            client.connect(
                self._host,
                port=self._port,
                username=self._user,
                key_filename=str(self._key_file),
                allow_agent=False,
                look_for_keys=False,
                timeout=patience,
                banner_timeout=patience,
                auth_timeout=patience,
                channel_timeout=patience,
            )
        except (paramiko.SSHException, EOFError, OSError, HostKeyRefused) as failure:
            client.close()
            raise _explain(failure, self._host) from failure
        return client


class _Connection:
    """An open connection and how many sessions use it; guarded by the transport's lock."""

    def __init__(self, client: paramiko.SSHClient) -> None:
        transport = client.get_transport()
        if transport is None:
            raise TransportDown("the connection closed at once")
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        if isinstance(transport.sock, socket.socket):
            # Measured: otherwise each command waits 40 ms for the other side's delayed ACK.
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = transport
        self.users = 0
        self.retired = False
        self._client = client

    def leave(self) -> None:
        """One session less."""
        self.users -= 1
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close a retired connection that nobody uses."""
        if self.retired and self.users <= 0:
            self._client.close()


class _RefuseUnknown(paramiko.RejectPolicy):
    """As RejectPolicy, with an error that can be told from a broken connection."""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,
        key: paramiko.PKey,  # noqa: ARG002
    ) -> Never:
        raise HostKeyRefused(f"{hostname} is not in the known_hosts file")


class _Exchange:
    """One command on one channel."""

    def __init__(self, channel: paramiko.Channel, deadline: float, max_output: int) -> None:
        self._channel = channel
        self._deadline = deadline
        self._max_output = max_output
        self._stdout = bytearray()
        self._stderr = bytearray()

    def run(self, command: str, stdin: bytes) -> Finished:
        """Send, read until the end, and return; any failure from here on is an unknown outcome."""
        try:
            self._channel.settimeout(self._remaining())
            self._channel.exec_command(command)
            self._send(stdin)
            self._read()
            returncode = self._exit_status()
        except TimeoutError as late:
            raise TransportTimeout("the command did not end in time") from late
        except (paramiko.SSHException, EOFError, OSError) as broken:
            raise TransportDown(f"the connection broke: {broken}") from broken
        return Finished(
            returncode=returncode, stdout=bytes(self._stdout), stderr=bytes(self._stderr)
        )

    def _send(self, stdin: bytes) -> None:
        try:
            self._channel.sendall(stdin)
            self._channel.shutdown_write()
        except TimeoutError:
            raise
        except OSError:
            # It ended without reading everything, as sbatch does with a wrong option; what it says
            # and its exit code still count.
            return

    def _read(self) -> None:
        # Not settimeout and recv: an unread standard error would fill its window and stop the command.
        readable = select.poll()
        readable.register(self._channel.fileno(), select.POLLIN)
        while not self._is_drained():
            readable.poll(1000 * min(1.0, self._remaining()))
            while self._channel.recv_ready():
                self._stdout += self._channel.recv(_CHUNK)
                self._check_size()
            while self._channel.recv_stderr_ready():
                self._stderr += self._channel.recv_stderr(_CHUNK)
                self._check_size()

    def _is_drained(self) -> bool:
        over = bool(self._channel.eof_received or self._channel.closed)
        return over and not self._channel.recv_ready() and not self._channel.recv_stderr_ready()

    def _exit_status(self) -> int:
        if not self._channel.status_event.wait(self._remaining()):
            raise TimeoutError
        status = self._channel.recv_exit_status()
        if status < 0:
            raise EOFError("no exit status came")
        return status

    def _remaining(self) -> float:
        """Seconds left; raises ``TimeoutError`` when none are."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _check_size(self) -> None:
        if len(self._stdout) + len(self._stderr) > self._max_output:
            raise AnswerTooLong(f"more than {self._max_output} bytes of output")


def _explain(failure: Exception, host: str) -> Exception:
    """Translate why there is no connection."""
    if isinstance(failure, HostKeyRefused):
        return failure
    if isinstance(failure, paramiko.BadHostKeyException):
        return HostKeyRefused(f"{host} shows another host key than the pinned one")
    if isinstance(failure, TimeoutError):
        return TransportTimeout(f"{host} did not answer in time")
    return TransportDown(f"cannot connect to {host}: {failure}")
