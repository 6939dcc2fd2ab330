"""Through a jump host: both hosts are real servers of this machine, and each shows a pinned key."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import paramiko
import pytest

from scheduler.errors import HostKeyRefusedError, TransportDownError
from scheduler.ssh.connection import Hop
from scheduler.ssh.transport import SshTransport
from tests.unit.scheduler.ssh.ssh_server import SshServer, ssh_server, write_known_hosts

LATER = timedelta(seconds=20)


@dataclass
class TwoHosts:
    """A jump host, a login node behind it, and a folder with the files for each."""

    folder: Path
    jump: SshServer
    login: SshServer

    def transport(self) -> SshTransport:
        return SshTransport(
            host="127.0.0.1",
            port=self.login.port,
            user="challenge",
            key_file=self.folder / "login/id",
            known_hosts=self.folder / "login/known_hosts",
            jump=Hop(
                host="127.0.0.1",
                port=self.jump.port,
                user="challenge",
                key_file=self.folder / "jump/id",
                known_hosts=self.folder / "jump/known_hosts",
            ),
            path=os.defpath,
        )

    def pin(self, name: str, port: int, key: paramiko.PKey) -> None:
        write_known_hosts(self.folder / name / "known_hosts", port, key)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[TwoHosts]:
    for name in ("jump", "login"):
        (tmp_path / name).mkdir()
    with ssh_server(tmp_path / "jump") as jump, ssh_server(tmp_path / "login") as login:
        yield TwoHosts(tmp_path, jump, login)


@pytest.fixture
def transport(hosts: TwoHosts) -> Iterator[SshTransport]:
    transport = hosts.transport()
    yield transport
    transport.close()


def test_the_command_runs_on_the_login_node_and_one_way_serves_many(
    hosts: TwoHosts, transport: SshTransport
) -> None:
    answers = [transport.run(["echo", str(number)], timeout=LATER) for number in range(3)]

    assert [answer.stdout for answer in answers] == [b"0\n", b"1\n", b"2\n"]
    assert (hosts.jump.connections, hosts.login.connections) == (1, 1)
    assert (hosts.jump.commands, len(hosts.login.commands)) == ([], 3)


def test_a_changed_key_of_the_jump_host_is_refused_by_name(
    hosts: TwoHosts, transport: SshTransport
) -> None:
    hosts.pin("jump", hosts.jump.port, paramiko.ECDSAKey.generate())

    with pytest.raises(HostKeyRefusedError, match=r"^the jump host 127\.0\.0\.1 shows another"):
        transport.run(["true"], timeout=LATER)

    assert (hosts.jump.connections, hosts.login.connections) == (0, 0)


def test_a_changed_key_of_the_login_node_is_refused_by_name(
    hosts: TwoHosts, transport: SshTransport
) -> None:
    hosts.pin("login", hosts.login.port, paramiko.ECDSAKey.generate())

    with pytest.raises(HostKeyRefusedError, match=r"^the login node 127\.0\.0\.1 shows another"):
        transport.run(["true"], timeout=LATER)

    assert (hosts.jump.connections, hosts.login.connections) == (1, 0)


def test_the_key_of_one_host_does_not_pass_for_the_other(
    hosts: TwoHosts, transport: SshTransport
) -> None:
    hosts.pin("login", hosts.login.port, hosts.jump.host_key)

    with pytest.raises(HostKeyRefusedError, match="the login node"):
        transport.run(["true"], timeout=LATER)


def test_an_unknown_jump_host_is_refused(hosts: TwoHosts, transport: SshTransport) -> None:
    (hosts.folder / "jump/known_hosts").write_text("")

    with pytest.raises(
        HostKeyRefusedError, match=r"the jump host .+ is not in the known_hosts file"
    ):
        transport.run(["true"], timeout=LATER)


def test_a_jump_host_that_does_not_forward_is_an_error(
    hosts: TwoHosts, transport: SshTransport
) -> None:
    hosts.jump.forwards = False

    with pytest.raises(TransportDownError, match=r"the login node .+ prohibited"):
        transport.run(["true"], timeout=LATER)


@pytest.mark.parametrize("name", ["jump", "login"])
def test_whichever_connection_dies_both_are_renewed(
    hosts: TwoHosts, transport: SshTransport, name: str
) -> None:
    transport.run(["true"], timeout=LATER)
    getattr(hosts, name).drop_connections()

    assert transport.run(["echo", "again"], timeout=LATER).stdout == b"again\n"
    assert (hosts.jump.connections, hosts.login.connections) == (2, 2)
    assert len(hosts.login.commands) == 2


def test_a_connection_that_fails_to_close_is_renewed_all_the_same(
    hosts: TwoHosts, transport: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport.run(["true"], timeout=LATER)
    closed = []

    def fails(client: paramiko.SSHClient) -> None:
        closed.append(client)
        raise EOFError

    with monkeypatch.context() as patched:
        patched.setattr(paramiko.SSHClient, "close", fails)
        hosts.login.drop_connections()

        assert transport.run(["echo", "again"], timeout=LATER).stdout == b"again\n"

    assert len(closed) == 2
    for client in closed:
        client.close()
