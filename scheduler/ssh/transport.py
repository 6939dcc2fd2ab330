"""Run commands on a login node through SSH, with pinned host keys and one connection.

This module and the two ``ssh_`` modules beside it are the only ones that know paramiko.
"""

import contextlib
import secrets
import shlex
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import paramiko

from scheduler.errors import TransportDownError, TransportTimeoutError
from scheduler.ssh.connection import Connection, Hop, connect
from scheduler.ssh.exchange import Exchange, files_on
from scheduler.transport import DEFAULT_PATH, MAX_OUTPUT_BYTES, Finished

# What is said before the mark is the login shell's, not the program's: ~/.bashrc is read also where nobody types.
_MARKED = 'echo "$1"; echo "$1" >&2; shift; exec "$@"'
# sshd's MaxSessions is 10 unless the site changed it; one more would be refused.
_CHANNELS = 8


class SshTransport:
    """Start programs on one host as one user, through a ``jump`` host where one is given.

    ``known_hosts`` is the only source of host keys: an unknown or changed key is ``HostKeyRefusedError``
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
        jump: Hop | None = None,
        path: str = DEFAULT_PATH,
        connect_timeout: timedelta = timedelta(seconds=15),
        max_output: int = MAX_OUTPUT_BYTES,
    ) -> None:
        login = Hop(host=host, port=port, user=user, key_file=key_file, known_hosts=known_hosts)
        self._hops = (jump, login) if jump else (login,)
        self._host = host
        self._prefix = ["env", "-i", f"PATH={path}"]
        self._timeout = connect_timeout.total_seconds()
        self._max_output = max_output
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._channels = threading.BoundedSemaphore(_CHANNELS)
        self._connection: Connection | None = None

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        """Run ``argv`` there. The connection is kept for the next call and renewed when it is dead."""
        deadline = time.monotonic() + timeout.total_seconds()
        mark = secrets.token_hex(16)
        # SSH carries one string, which the login shell splits again; this is its inverse.
        command = shlex.join(["/bin/sh", "-c", _MARKED, "sealrun", mark, *self._prefix, *argv])
        if not self._channels.acquire(timeout=timeout.total_seconds()):
            raise TransportTimeoutError(f"no free session on {self._host} in time")
        try:
            with self._session(deadline) as channel:
                answer = Exchange(channel, deadline, self._max_output).run(command, stdin)
                return _without_noise(answer, f"{mark}\n".encode())
        finally:
            self._channels.release()

    @contextlib.contextmanager
    def sftp(self, *, timeout: timedelta) -> Iterator[paramiko.SFTPClient]:
        """Give a session for files, on the same connection as the commands.

        What the server says of a file is an ``OSError`` with its number, as of a local file. Raises
        ``TransportTimeoutError`` and ``TransportDownError`` where the connection fails, after which it is not
        known what was done.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        if not self._channels.acquire(timeout=timeout.total_seconds()):
            raise TransportTimeoutError(f"no free session on {self._host} in time")
        try:
            with self._session(deadline) as channel, files_on(channel, deadline) as client:
                yield client
        finally:
            self._channels.release()

    def close(self) -> None:
        """Close the connection. The next ``run`` opens another."""
        with self._lock:
            self._retire(self._connection)

    @contextlib.contextmanager
    def _session(self, deadline: float) -> Iterator[paramiko.Channel]:
        connection, channel = self._open(deadline)
        try:
            yield channel
        except TransportTimeoutError:
            # The host or the way to it may be dead; a fresh connection will find out.
            with self._lock:
                self._retire(connection)
            raise
        finally:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                channel.close()
            with self._lock:
                connection.leave()

    def _open(self, deadline: float) -> tuple[Connection, paramiko.Channel]:
        """Open a session. Nothing was sent yet when that fails, so a dead connection is renewed once."""
        for is_last in (False, True):
            connection, is_new = self._enter(deadline)
            # A dead connection must not use up the time that a fresh one needs.
            timeout = max(0.1, min(self._timeout, deadline - time.monotonic()))
            try:
                return connection, connection.transport.open_session(timeout=timeout)
            except (paramiko.SSHException, EOFError, OSError) as broken:
                with self._lock:
                    connection.leave()
                    self._retire(connection)
                if time.monotonic() >= deadline:
                    raise TransportTimeoutError(
                        f"{self._host} opens no session in time"
                    ) from broken
                if is_new or is_last:
                    raise TransportDownError(
                        f"cannot open a session on {self._host}: {broken}"
                    ) from broken
        raise AssertionError("the second try returns or raises")

    def _enter(self, deadline: float) -> tuple[Connection, bool]:
        """Return the connection, with one user more, and whether it was made just now."""
        # Apart from the lock: a command that has ended must not wait for somebody who connects.
        if not self._connecting.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TransportTimeoutError(f"no connection to {self._host} in time")
        try:
            with self._lock:
                kept = self._connection
                if kept is not None and kept.is_alive:
                    kept.users += 1
                    return kept, False
                self._retire(kept)
            fresh = connect(self._hops, deadline=deadline, timeout=self._timeout)
            with self._lock:
                fresh.users += 1
                self._connection = fresh
            return fresh, True
        finally:
            self._connecting.release()

    def _retire(self, connection: Connection | None) -> None:
        """Give no further session on ``connection``; it closes when its last session has ended."""
        if connection is None:
            return
        connection.retire()
        if connection is self._connection:
            self._connection = None


def _without_noise(answer: Finished, mark: bytes) -> Finished:
    """Return the answer from the mark on; one without a mark is left as it is."""
    noise, found, stdout = answer.stdout.partition(mark)
    more, marked, stderr = answer.stderr.partition(mark)
    if not (found and marked):
        return answer
    return replace(answer, stdout=stdout, stderr=stderr, noise=noise + more)
