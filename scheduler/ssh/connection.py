"""Open one SSH connection, directly or through a jump host; every host on the way shows its pinned key."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import paramiko

from scheduler.errors import HostKeyRefusedError, TransportDownError, TransportTimeoutError

_KEEPALIVE_SECONDS = 15
# Without an acknowledgement for this long, milliseconds, the kernel gives a connection up. Its own
# time-out is a quarter of an hour, in which every command would wait for its time limit.
_SILENCE_MS = 30_000
# Between one means of ending what does not end and the next.
_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One host on the way: how it is entered, and the only file that says which key it must show."""

    host: str
    user: str
    key_file: Path
    known_hosts: Path
    port: int = 22


class Connection:
    """An open connection and how many sessions use it; guarded by the transport's lock."""

    def __init__(self, clients: Sequence[paramiko.SSHClient]) -> None:
        self.transport = _transport(clients[-1])
        self.users = 0
        self._clients = clients
        self._is_retired = False

    @property
    def is_alive(self) -> bool:
        """Whether nobody has noticed yet that it is dead."""
        return self.transport.is_active()

    def retire(self) -> None:
        """Close it when its last session has ended."""
        self._is_retired = True
        self._close_if_unused()

    def leave(self) -> None:
        """One session less."""
        self.users -= 1
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._is_retired and self.users <= 0:
            _close(self._clients)


def connect(hops: Sequence[Hop], *, deadline: float, timeout: float) -> Connection:
    """Log in to the last of ``hops`` through the ones before it.

    ``deadline`` is of ``time.monotonic``; each hop has at most ``timeout`` seconds. Raises
    ``HostKeyRefusedError``, ``TransportTimeoutError`` or ``TransportDownError``, naming the host.
    """
    clients: list[paramiko.SSHClient] = []
    for hop in hops:
        name = f"the {'login node' if hop is hops[-1] else 'jump host'} {hop.host}"
        latest = min(deadline, time.monotonic() + timeout)
        try:
            way = _forward(clients[-1], hop, latest) if clients else _dial(hop, latest)
            clients.append(_log_in(hop, way, latest))
        except (paramiko.SSHException, EOFError, OSError, HostKeyRefusedError) as failure:
            _close(clients)
            raise _explain(failure, name, latest) from failure
    return Connection(clients)


@contextlib.contextmanager
def ended_by(deadline: float, *means: Callable[[], object]) -> Iterator[None]:
    """Use ``means``, one after the other, where the block has not been left by ``deadline``.

    paramiko waits without a limit in several places: for the answer to a request, for a socket that
    accepts no further bytes. Whoever waits there has to be woken from outside.
    """
    left = threading.Event()

    def watch() -> None:
        seconds = deadline - time.monotonic()
        for end in means:
            if left.wait(max(0.0, seconds)):
                return
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                end()
            seconds = _GRACE_SECONDS

    threading.Thread(target=watch, name="ssh-deadline", daemon=True).start()
    try:
        yield
    finally:
        left.set()


def _dial(hop: Hop, latest: float) -> socket.socket:
    way = socket.create_connection((hop.host, hop.port), timeout=_seconds_to(latest))
    way.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_MS)
    # Measured: otherwise each command waits 40 ms for the other side's delayed ACK.
    way.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return way


def _forward(before: paramiko.SSHClient, hop: Hop, latest: float) -> paramiko.Channel:
    return _transport(before).open_channel(
        "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=_seconds_to(latest)
    )


def _log_in(hop: Hop, way: socket.socket | paramiko.Channel, latest: float) -> paramiko.SSHClient:
    seconds = _seconds_to(latest)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_RefuseUnknown())
    try:
        with ended_by(latest, lambda: way.shutdown(socket.SHUT_RDWR)):
            client.load_host_keys(str(hop.known_hosts))
            client.connect(
                hop.host,
                port=hop.port,
                username=hop.user,
                key_filename=str(hop.key_file),
                allow_agent=False,
                look_for_keys=False,
                timeout=seconds,
                banner_timeout=seconds,
                auth_timeout=seconds,
                channel_timeout=seconds,
                sock=way,
            )
        _transport(client).set_keepalive(_KEEPALIVE_SECONDS)
    except BaseException:
        _close([client])
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            way.close()
        raise
    return client


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    if transport is None:
        raise EOFError("the connection closed at once")
    return transport


def _close(clients: Sequence[paramiko.SSHClient]) -> None:
    for client in reversed(clients):
        # paramiko says goodbye first, and that fails where the way to the host has gone.
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            client.close()


def _seconds_to(latest: float) -> float:
    return max(0.1, latest - time.monotonic())


class _RefuseUnknown(paramiko.RejectPolicy):
    """As RejectPolicy, with an error that can be distinguished from a broken connection."""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,  # noqa: ARG002
        key: paramiko.PKey,  # noqa: ARG002
    ) -> Never:
        raise HostKeyRefusedError("is not in the known_hosts file")


def _explain(failure: Exception, name: str, latest: float) -> Exception:
    """Say in our words why there is no connection, and which host is meant."""
    if isinstance(failure, HostKeyRefusedError):
        return HostKeyRefusedError(f"{name} {failure}")
    if isinstance(failure, paramiko.BadHostKeyException):
        return HostKeyRefusedError(f"{name} shows another host key than the pinned one")
    if isinstance(failure, TimeoutError) or time.monotonic() >= latest:
        return TransportTimeoutError(f"{name} did not answer in time")
    return TransportDownError(f"cannot connect to {name}: {failure}")
