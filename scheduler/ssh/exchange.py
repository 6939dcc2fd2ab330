"""One command over one SSH session: send it, feed it, read it to its end, within its limits."""

import contextlib
import select
import time
from collections.abc import Iterator

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from scheduler.errors import AnswerTooLongError, TransportDownError, TransportTimeoutError
from scheduler.ssh.connection import ended_by
from scheduler.transport import Finished

_CHUNK = 65536


class Exchange:
    """One command on one channel; ``deadline`` is of ``time.monotonic``, ``max_output`` in bytes."""

    def __init__(self, channel: paramiko.Channel, deadline: float, max_output: int) -> None:
        self._channel = channel
        self._transport = channel.get_transport()
        self._deadline = deadline
        self._max_output = max_output
        self._stdout = bytearray()
        self._stderr = bytearray()

    def run(self, command: str, stdin: bytes) -> Finished:
        """Send, read until the end, and return; any failure from here on is an unknown outcome."""
        try:
            with ended_by(self._deadline, self._channel.event.set, self._transport.close):
                return self._run(command, stdin)
        except TimeoutError as late:
            raise TransportTimeoutError("the command did not end in time") from late
        except (paramiko.SSHException, EOFError, OSError) as broken:
            if time.monotonic() >= self._deadline:
                raise TransportTimeoutError("the host did not answer in time") from broken
            raise TransportDownError(f"the connection broke: {broken}") from broken

    def _run(self, command: str, stdin: bytes) -> Finished:
        try:
            self._channel.settimeout(self._remaining())
            self._channel.exec_command(command)
            self._send(stdin)
            self._read()
            returncode = self._exit_status()
        except (TimeoutError, AnswerTooLongError):
            self._kill()
            raise
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
                self._check()
            while self._channel.recv_stderr_ready():
                self._stderr += self._channel.recv_stderr(_CHUNK)
                self._check()

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

    def _kill(self) -> None:
        """Have the command killed: closing the session alone would leave it running on the host.

        The request of RFC 4254, 6.9, which OpenSSH carries out since 7.9 and paramiko cannot make.
        """
        request = paramiko.Message()
        request.add_byte(cMSG_CHANNEL_REQUEST)
        request.add_int(self._channel.remote_chanid)
        request.add_string("signal")
        request.add_boolean(False)
        request.add_string("KILL")
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._transport._send_user_message(request)  # type: ignore[attr-defined]  # noqa: SLF001

    def _remaining(self) -> float:
        """Seconds left; raises ``TimeoutError`` when none are."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _check(self) -> None:
        self._remaining()
        if len(self._stdout) + len(self._stderr) > self._max_output:
            raise AnswerTooLongError(f"more than {self._max_output} bytes of output")


@contextlib.contextmanager
def files_on(channel: paramiko.Channel, deadline: float) -> Iterator[paramiko.SFTPClient]:
    """Give a client for files on a session, until ``deadline`` of ``time.monotonic``.

    An error that the server has said of a file passes; a connection that fails is ours to name.
    """
    transport = channel.get_transport()
    try:
        with ended_by(deadline, channel.close, transport.close):
            channel.settimeout(max(0.1, deadline - time.monotonic()))
            channel.invoke_subsystem("sftp")
            yield paramiko.SFTPClient(channel)
    except (paramiko.SSHException, EOFError, OSError) as broken:
        if time.monotonic() >= deadline or isinstance(broken, TimeoutError):
            raise TransportTimeoutError("the host did not carry the files in time") from broken
        if isinstance(broken, OSError) and transport.is_active() and not channel.closed:
            raise
        raise TransportDownError(f"the connection broke: {broken}") from broken
