import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import paramiko
import pytest

from scheduler.errors import (
    AnswerTooLongError,
    HostKeyRefusedError,
    TransportDownError,
    TransportTimeoutError,
)
from scheduler.ssh.transport import SshTransport
from scheduler.transport import Finished
from tests.unit.scheduler.ssh.ssh_server import SshServer, ssh_server, write_known_hosts

SOON, LATER = timedelta(seconds=0.5), timedelta(seconds=20)
PATIENCE = 12
"""Seconds, for a busy machine. Of its own accord the transport waits 15 for a connection or a session."""


@dataclass
class Place:
    """A server and the files with which one reaches it."""

    folder: Path
    server: SshServer

    def transport(self, **changes) -> SshTransport:
        settings = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": "challenge",
            "key_file": self.folder / "id",
            "known_hosts": self.folder / "known_hosts",
            "path": os.defpath,
        }
        return SshTransport(**settings | changes)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ssh_server(tmp_path) as server:
        yield Place(tmp_path, server)


@pytest.fixture
def transport(place: Place) -> Iterator[SshTransport]:
    transport = place.transport()
    yield transport
    transport.close()


def test_output_and_exit_code_come_back(transport: SshTransport) -> None:
    answer = transport.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=LATER)

    assert answer == Finished(returncode=3, stdout=b"out\n", stderr=b"err\n")


def test_what_the_login_shell_says_is_told_from_the_answer(
    place: Place, transport: SshTransport
) -> None:
    place.server.greets = "echo Welcome; echo 'Maintenance on Tuesday' >&2; "

    answer = transport.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=LATER)

    assert (answer.returncode, answer.stdout, answer.stderr) == (3, b"out\n", b"err\n")
    assert answer.noise == b"Welcome\nMaintenance on Tuesday\n"


def test_a_host_where_another_program_runs_is_heard_as_it_is(
    place: Place, transport: SshTransport
) -> None:
    place.server.greets = "echo only this; exit 4; "

    answer = transport.run(["true"], timeout=LATER)

    assert answer == Finished(returncode=4, stdout=b"only this\n", stderr=b"")


def test_arguments_arrive_unchanged(transport: SshTransport) -> None:
    odd = ["a b", "$HOME", "'\"", "--wrap=id", "", "*", "x;y", "`id`", "ä\n", "\x1f"]

    answer = transport.run(["printf", "%s|", *odd], timeout=LATER)

    assert answer.stdout.decode() == "|".join([*odd, ""])


def test_only_path_is_in_the_environment(
    place: Place, transport: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "leaked")

    answer = transport.run(["env"], timeout=LATER)

    assert answer.stdout.decode() == f"PATH={os.defpath}\n"


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_input_of_any_size_is_handed_over(transport: SshTransport, size: int) -> None:
    answer = transport.run(["wc", "-c"], stdin=b"x" * size, timeout=LATER)

    assert int(answer.stdout) == size


def test_much_output_on_both_streams_does_not_get_stuck(transport: SshTransport) -> None:
    script = "head -c 6000000 /dev/zero >&2; head -c 6000000 /dev/zero"

    answer = transport.run(["sh", "-c", script], timeout=LATER)

    assert (len(answer.stdout), len(answer.stderr)) == (6_000_000, 6_000_000)


def test_a_program_that_reads_nothing_is_no_error(transport: SshTransport) -> None:
    answer = transport.run(["sh", "-c", "exit 4"], stdin=b"x" * 5_000_000, timeout=LATER)

    assert answer.returncode == 4


def test_one_connection_serves_many_commands(place: Place, transport: SshTransport) -> None:
    for _ in range(3):
        transport.run(["true"], timeout=LATER)

    assert place.server.connections == 1


def test_threads_share_the_connection(place: Place, transport: SshTransport) -> None:
    with ThreadPoolExecutor(max_workers=12) as pool:
        answers = list(
            pool.map(lambda number: transport.run(["echo", str(number)], timeout=LATER), range(24))
        )

    assert [int(answer.stdout) for answer in answers] == list(range(24))
    assert place.server.connections == 1


def test_a_dead_connection_is_replaced(place: Place, transport: SshTransport) -> None:
    transport.run(["true"], timeout=LATER)
    place.server.drop_connections()

    answer = transport.run(["echo", "again"], timeout=LATER)

    assert answer.stdout == b"again\n"
    assert place.server.connections == 2


def test_a_connection_that_breaks_under_a_command_is_not_used_to_repeat_it(
    place: Place, transport: SshTransport
) -> None:
    threading.Timer(0.5, place.server.drop_connections).start()

    with pytest.raises(TransportDownError):
        transport.run(["sleep", "30"], timeout=LATER)

    assert len(place.server.commands) == 1


def test_a_command_that_takes_too_long_is_a_time_out(place: Place, transport: SshTransport) -> None:
    begun = time.monotonic()

    with pytest.raises(TransportTimeoutError):
        transport.run(["sleep", "30"], timeout=SOON)

    assert time.monotonic() - begun < PATIENCE
    assert transport.run(["echo", "next"], timeout=LATER).stdout == b"next\n"
    assert place.server.connections == 2


def test_a_host_that_answers_no_request_is_a_time_out(
    place: Place, transport: SshTransport
) -> None:
    transport.run(["true"], timeout=LATER)
    place.server.is_deaf = True
    begun = time.monotonic()

    with pytest.raises(TransportTimeoutError):
        transport.run(["true"], timeout=SOON)

    assert time.monotonic() - begun < PATIENCE


def test_a_connection_that_opens_no_session_is_renewed_once_and_the_command_runs_once(
    place: Place,
) -> None:
    transport = place.transport(connect_timeout=timedelta(seconds=1))
    transport.run(["true"], timeout=LATER)
    place.server.stop_sessions_of_open_connections()

    answer = transport.run(["echo", "again"], timeout=LATER)

    assert answer.stdout == b"again\n"
    assert (place.server.connections, len(place.server.commands)) == (2, 2)
    transport.close()


def test_a_host_that_opens_no_session_at_all_is_tried_once(place: Place) -> None:
    place.server.refuses_sessions = True

    with pytest.raises(TransportDownError, match="cannot open a session"):
        place.transport().run(["true"], timeout=LATER)

    assert (place.server.connections, place.server.commands) == (1, [])


def test_a_program_that_talks_for_ever_is_timed_out(transport: SshTransport) -> None:
    with pytest.raises(TransportTimeoutError):
        transport.run(["sh", "-c", "while sleep 0.01; do echo; done"], timeout=SOON)


def test_a_program_that_never_reads_is_timed_out(transport: SshTransport) -> None:
    with pytest.raises(TransportTimeoutError):
        transport.run(["sleep", "30"], stdin=b"x" * 9_000_000, timeout=SOON)


def test_the_transport_goes_on_after_too_much_output(place: Place) -> None:
    transport = place.transport(max_output=100_000)
    with pytest.raises(AnswerTooLongError):
        transport.run(["yes"], timeout=LATER)

    assert transport.run(["echo", "next"], timeout=LATER).stdout == b"next\n"
    # This server may lose the connection in the flood; then it was renewed once.
    assert place.server.connections in {1, 2}
    transport.close()


def test_a_command_that_a_signal_ends_is_an_unknown_outcome(transport: SshTransport) -> None:
    with pytest.raises(TransportDownError):
        transport.run(["sh", "-c", "kill -9 $PPID $$"], timeout=LATER)


def test_too_much_output_is_an_error(place: Place) -> None:
    transport = place.transport(max_output=100_000)

    with pytest.raises(AnswerTooLongError):
        transport.run(["yes"], timeout=LATER)
    transport.close()


def test_an_unknown_host_is_refused(place: Place) -> None:
    (place.folder / "known_hosts").write_text("")

    with pytest.raises(HostKeyRefusedError, match="not in the known_hosts"):
        place.transport().run(["true"], timeout=LATER)

    assert (place.server.connections, place.server.commands) == (0, [])


def test_a_changed_host_key_is_refused_each_time(place: Place) -> None:
    other = paramiko.ECDSAKey.generate()
    write_known_hosts(place.folder / "known_hosts", place.server.port, other)
    transport = place.transport()

    for _ in range(2):
        with pytest.raises(
            HostKeyRefusedError, match=r"^the login node 127\.0\.0\.1 shows another"
        ):
            transport.run(["true"], timeout=LATER)

    assert (place.server.connections, place.server.commands) == (0, [])


def test_a_host_key_that_changes_between_connections_is_refused(
    place: Place, transport: SshTransport
) -> None:
    transport.run(["true"], timeout=LATER)
    place.server.host_key = paramiko.ECDSAKey.generate()
    place.server.drop_connections()

    with pytest.raises(HostKeyRefusedError):
        transport.run(["true"], timeout=LATER)

    assert len(place.server.commands) == 1


def test_another_key_of_ours_is_not_let_in(place: Place) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(place.folder / "other"))

    with pytest.raises(TransportDownError):
        place.transport(key_file=place.folder / "other").run(["true"], timeout=LATER)


@pytest.mark.parametrize("name", ["key_file", "known_hosts"])
def test_a_missing_file_is_an_error(place: Place, name: str) -> None:
    with pytest.raises(TransportDownError):
        place.transport(**{name: place.folder / "none"}).run(["true"], timeout=LATER)


def test_nobody_listening_is_an_error(place: Place) -> None:
    place.server.close()

    with pytest.raises(TransportDownError):
        place.transport().run(["true"], timeout=LATER)


def test_a_host_that_says_nothing_is_an_error_in_time(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        write_known_hosts(place.folder / "known_hosts", port, place.server.host_key)
        begun = time.monotonic()

        with pytest.raises((TransportDownError, TransportTimeoutError)):
            place.transport(port=port).run(["true"], timeout=timedelta(seconds=1))

    assert time.monotonic() - begun < PATIENCE
