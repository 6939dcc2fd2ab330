"""A small SSH server on this machine that runs what it is asked to, for tests of the client."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)


class SshServer:
    """Listens on a free port; ``connections`` counts who logged in."""

    def __init__(self, host_key: paramiko.PKey, user_key: paramiko.PKey) -> None:
        self.host_key = host_key
        self.user_key = user_key
        self.connections = 0
        self.commands: list[str] = []
        self.forwards = True
        """Whether it lets those who log in go on to other hosts."""
        self.refuses_sessions = False
        self.greets = ""
        """What its login shell runs before each command, as ~/.bashrc can."""
        self.frozen = threading.Event()
        self.is_deaf = False
        """Whether it takes sessions and then answers no request in them."""
        self.files: type[paramiko.SFTPServerInterface] | None = None
        """What it has to say of files, to those who ask by SFTP."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def drop_connections(self) -> None:
        """Cut every connection, as a restarted login node does."""
        # Whoever was dropped may be back before the last of them is.
        dropped, self._transports = self._transports, []
        for transport in dropped:
            transport.close()

    def stop_sessions_of_open_connections(self) -> None:
        """Let every connection that is there now be silent, as one is whose network has gone."""
        self.frozen.set()
        self.frozen = threading.Event()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=60)
        self.drop_connections()

    def channel(self, chanid: int) -> paramiko.Channel:
        """Return the channel of that number, which is there soon after it was allowed."""
        for _ in range(100):
            for transport in self._transports:
                if (channel := transport.accept(0.05)) is not None and channel.get_id() == chanid:
                    return channel
        raise TimeoutError(f"channel {chanid} was not opened")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(self.host_key)
            if self.files is not None:
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, self.files)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=_Session(self))


class _Session(paramiko.ServerInterface):
    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._opens_no_sessions = server.frozen

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if username != "challenge" or key != self._server.user_key:
            return AUTH_FAILED
        self._server.connections += 1
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if self._opens_no_sessions.is_set():
            time.sleep(10)
        if self._server.refuses_sessions:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        if not self._server.forwards:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        threading.Thread(target=self._forward, args=(chanid, destination), daemon=True).start()
        return OPEN_SUCCEEDED

    def _forward(self, chanid: int, destination: tuple[str, int]) -> None:
        channel = self._server.channel(chanid)
        with socket.create_connection(destination) as onward:
            back = threading.Thread(target=_pump, args=(onward, channel), daemon=True)
            back.start()
            _pump(channel, onward)
            back.join()

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._server.commands.append(command.decode())
        if self._server.is_deaf:
            time.sleep(10)
        # paramiko says yes when this has returned: a command that ends sooner would close before its answer.
        whole = self._server.greets + command.decode()
        begun = threading.Timer(0.02, _run, args=(channel, whole))
        begun.daemon = True
        begun.start()
        return True


def _pump(source: socket.socket | paramiko.Channel, sink: socket.socket | paramiko.Channel) -> None:
    with contextlib.suppress(OSError, EOFError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError, EOFError):
        sink.shutdown(socket.SHUT_WR)


def _run(channel: paramiko.Channel, command: str) -> None:
    with (
        contextlib.suppress(OSError, EOFError),
        subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        feeder = threading.Thread(target=_feed, args=(channel, process), daemon=True)
        feeder.start()
        complaints = threading.Thread(target=_copy, args=(process.stderr, channel.sendall_stderr))
        complaints.start()
        _copy(process.stdout, channel.sendall)
        complaints.join()
        status = process.wait()
        if status >= 0:
            channel.send_exit_status(status)
        channel.close()


def _copy(source, send) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.read1(65536):
            send(chunk)


def _feed(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while chunk := channel.recv(65536):
            process.stdin.write(chunk)
        process.stdin.close()


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run a server; its user's key and its known_hosts line are in ``folder``."""
    user_key = paramiko.ECDSAKey.generate()
    user_key.write_private_key_file(str(folder / "id"))
    server = SshServer(paramiko.ECDSAKey.generate(), user_key)
    write_known_hosts(folder / "known_hosts", server.port, server.host_key)
    try:
        yield server
    finally:
        server.close()


def write_known_hosts(path: Path, port: int, key: paramiko.PKey) -> None:
    """Pin ``key`` for the server on this machine's ``port``."""
    path.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
