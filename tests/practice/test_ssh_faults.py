"""SSH to a real sshd whose keys change, which dies, and whose network is slow or gone.

The network is cut by taking the site's own cable down inside its network namespace: packets vanish
without a word, as on a broken line. There is no netem in every kernel, so the slow line is a program
on the loopback that hands on each piece late.
"""

import contextlib
import errno
import queue
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
import yaml

from portal.bootstrap import scheduler_of
from scheduler.commands.adapter import SlurmCommands
from scheduler.errors import (
    AnswerTooLongError,
    HostKeyRefusedError,
    TransportDownError,
    TransportTimeoutError,
)
from scheduler.interface import Accepted, Indeterminate, JobSpec, Outcome, Phase, Scheduler, Token
from scheduler.ssh.connection import Hop
from scheduler.ssh.transport import SshTransport
from site_config.practice.site import PracticeSite
from site_config.site_loader import load_site
from tests.support.cluster.inside import Inside
from tests.support.cluster.labs import small_job
from tests.support.patience import PATIENCE, once, until

pytestmark = pytest.mark.cluster

SHORT, LATER = timedelta(seconds=4), timedelta(seconds=120)
GATE_PORT = 2222
GATE = """\
Port 2222
ListenAddress {address}
HostKey /run/gate/key
PidFile none
AuthenticationMethods publickey
AuthorizedKeysFile /etc/ssh/authorized_keys/%u
AllowUsers challenge
UsePAM no
X11Forwarding no
PermitOpen {address}:22
PerSourcePenalties no
"""
# Writes down that it was called; the answer comes only when the file `go` is there.
LATE_SBATCH = """\
#!/bin/sh
/usr/bin/sbatch "$@" > {folder}/answer
touch {folder}/done
until [ -e {folder}/go ]; do sleep 0.05; done
cat {folder}/answer
"""


@dataclass
class Line:
    """A site behind a line that can be cut, and what is needed to reach it."""

    site: PracticeSite
    inside: Inside
    folder: Path
    transports: list[SshTransport] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.site.status().address

    def root(self, *argv: str) -> str:
        done = self.inside.run(*argv, user="root")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def transport(self, **changes) -> SshTransport:
        ssh = self.site.paths.ssh
        settings = {
            "host": self.address,
            "user": "challenge",
            "key_file": ssh / "id_ed25519",
            "known_hosts": ssh / "known_hosts",
        }
        self.transports.append(SshTransport(**settings | changes))
        return self.transports[-1]

    def gate(self, **changes) -> Hop:
        settings = {
            "host": self.address,
            "port": GATE_PORT,
            "user": "challenge",
            "key_file": self.site.paths.ssh / "id_ed25519",
            "known_hosts": self.folder / "gate_hosts",
        }
        return Hop(**settings | changes)

    def scheduler(self, **changes) -> SlurmCommands:
        return self._commands(self.transport(**changes), LATER)

    def two_schedulers(self, **changes) -> tuple[SlurmCommands, SlurmCommands]:
        """Return one that soon gives up, and one that does not, over the same transport."""
        transport = self.transport(**changes)
        return self._commands(transport, SHORT), self._commands(transport, LATER)

    def _commands(self, transport: SshTransport, timeout: timedelta) -> SlurmCommands:
        commands = SlurmCommands(transport, timeout=timeout)
        commands.ping()
        return commands

    def spec(self) -> JobSpec:
        return small_job("exit 0", PurePosixPath(self.site.paths.storage))

    def cut(self) -> None:
        self.root("ip", "link", "set", "site0", "down")

    def mend(self) -> None:
        """Return when packets arrive again, which takes a moment: a neighbour was given up meanwhile."""
        self.root("ip", "link", "set", "site0", "up")
        until(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=1):
                return True
        except OSError as failure:
            return failure.errno == errno.ECONNREFUSED

    def open_gate(self) -> None:
        """Start the jump host's sshd, if it does not run."""
        if not self.is_running("sshd: /usr/sbin/sshd -f /run/gate/conf"):
            self.root("/usr/sbin/sshd", "-f", "/run/gate/conf", "-E", "/run/gate/log")

    def other_key(self, host: str) -> Path:
        """Return a known_hosts file that names another key for ``host``."""
        key = (self.site.paths.ssh / "id_ed25519.pub").read_text(encoding="ascii").split()[1]
        path = self.folder / "other_hosts"
        path.write_text(f"{host} ssh-ed25519 {key}\n", encoding="ascii")
        return path

    def end_sshd(self) -> None:
        """Kill the server and every session, as a login node does that is switched off."""
        # A session that ends by itself meanwhile is no reason to stop.
        self.root("pkill", "-KILL", "sshd")

    def is_running(self, words: str) -> bool:
        return self.inside.run("pgrep", "-f", f"^{words}", user="root").returncode == 0


@pytest.fixture(scope="module")
def wired(root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A site of this module's own, since its network is broken again and again."""
    site = PracticeSite("sshfaults")
    site.down(purge=True)
    site.up(account_uid=20302)
    line = Line(site, Inside(site), tmp_path_factory.mktemp("line"))
    line.root("mkdir", "/run/gate")
    line.root("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/gate/key")
    line.root("sh", "-c", f"printf '%s' '{GATE.format(address=line.address)}' > /run/gate/conf")
    kind, key = line.root("cat", "/run/gate/key.pub").split()[:2]
    hosts = f"[{line.address}]:{GATE_PORT} {kind} {key}\n"
    (line.folder / "gate_hosts").write_text(hosts, encoding="ascii")
    yield line
    site.down(purge=True)


@pytest.fixture
def line(wired: Line) -> Iterator[Line]:
    """The site with its network and its sshd working, before and after each test."""
    wired.open_gate()
    yield wired
    wired.mend()
    wired.root("practice-daemon", "resume", "slurmctld")
    wired.root("practice-daemon", "start", "sshd")
    for transport in wired.transports:
        transport.close()
    wired.transports.clear()


@pytest.fixture
def token() -> Token:
    return Token(f"fault-{time.time_ns()}")


def found(scheduler: Scheduler, token: Token) -> list[str]:
    """Return the ids of the jobs of ``token`` once queue and accounting have both answered."""
    snapshot = scheduler.find(token)
    assert snapshot.complete, snapshot.problem
    return [report.ref.job_id for report in snapshot.jobs.get(token, ())]


def wait_for_end(scheduler: Scheduler, token: Token) -> Outcome | None:
    def ended() -> list[Outcome | None]:
        reports = scheduler.snapshot([token]).jobs.get(token, ())
        return [report.outcome for report in reports if report.phase is Phase.ENDED]

    return once(ended, bool, pause=0.2, what=f"{token} did not end")[0]


def test_the_settings_name_a_jump_host_and_jobs_go_through_it(
    line: Line, token: Token, tmp_path: Path
) -> None:
    settings = yaml.safe_load(line.site.paths.site_yaml.read_text(encoding="utf-8"))
    gate = line.gate()
    settings["clusters"]["main"]["connect"]["ssh"]["jump"] = {
        "host": gate.host,
        "port": gate.port,
        "user": gate.user,
        "key_file": str(gate.key_file),
        "known_hosts": str(gate.known_hosts),
    }
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    scheduler = scheduler_of(load_site(tmp_path / "site.yaml").clusters["main"])

    answer = scheduler.submit(
        small_job("exit 0", PurePosixPath(line.site.paths.storage), account="challenges"), token
    )

    assert isinstance(answer, Accepted), answer
    assert wait_for_end(scheduler, token) is Outcome.COMPLETED
    assert "Accepted publickey for challenge" in line.root("cat", "/run/gate/log")


def test_a_changed_key_is_refused_and_the_sentence_says_whose(line: Line) -> None:
    gate_name = f"[{line.address}]:{GATE_PORT}"
    wrong_login = line.transport(jump=line.gate(), known_hosts=line.other_key(line.address))
    with pytest.raises(HostKeyRefusedError) as of_login:
        wrong_login.run(["true"], timeout=LATER)
    wrong_gate = line.transport(jump=line.gate(known_hosts=line.other_key(gate_name)))
    with pytest.raises(HostKeyRefusedError) as of_gate:
        wrong_gate.run(["true"], timeout=LATER)

    changed = "shows another host key than the pinned one"
    assert str(of_login.value) == f"the login node {line.address} {changed}"
    assert str(of_gate.value) == f"the jump host {line.address} {changed}"


def test_a_command_that_never_ends_is_killed_on_the_host(line: Line) -> None:
    transport = line.transport()

    with pytest.raises(TransportTimeoutError):
        transport.run(["sleep", "4711"], timeout=timedelta(seconds=1))

    until(lambda: not line.is_running("sleep 4711"))


def test_a_command_that_writes_without_end_is_killed_and_the_connection_kept(line: Line) -> None:
    transport = line.transport(max_output=1_000_000)
    transport.run(["true"], timeout=LATER)
    before = line.root("pgrep", "sshd").split()

    with pytest.raises(AnswerTooLongError):
        transport.run(["yes", "without end"], timeout=LATER)

    until(lambda: not line.is_running("yes without end"))
    assert transport.run(["echo", "next"], timeout=LATER).stdout == b"next\n"
    # Those of earlier connections may end meanwhile; a new one would have another number.
    assert set(line.root("pgrep", "sshd").split()) <= set(before)


def test_a_restarted_sshd_is_reached_again_without_an_error(line: Line, token: Token) -> None:
    scheduler = line.scheduler()
    line.end_sshd()
    line.root("practice-daemon", "start", "sshd")

    answer = scheduler.submit(line.spec(), token)

    assert isinstance(answer, Accepted), answer
    assert found(scheduler, token) == [answer.ref.job_id]


def test_while_sshd_is_down_nothing_is_concluded(line: Line, token: Token) -> None:
    scheduler = line.scheduler()
    line.end_sshd()

    answer, snapshot = scheduler.submit(line.spec(), token), scheduler.find(token)

    assert isinstance(answer, Indeterminate)
    assert f"cannot connect to the login node {line.address}" in answer.message
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    line.root("practice-daemon", "start", "sshd")
    assert found(scheduler, token) == []


def test_a_connection_that_dies_in_the_middle_runs_nothing_twice(line: Line) -> None:
    transport = line.transport()
    trace = line.site.paths.storage / "trace"
    script = f"echo begun >> {trace}; sleep 30"
    threading.Thread(target=lambda: (until(trace.exists), line.end_sshd()), daemon=True).start()

    with pytest.raises(TransportDownError):
        transport.run(["sh", "-c", script], timeout=LATER)

    line.root("practice-daemon", "start", "sshd")
    assert transport.run(["cat", str(trace)], timeout=LATER).stdout == b"begun\n"


def test_cut_before_sbatch_the_job_is_not_there_and_that_is_found_out(
    line: Line, token: Token
) -> None:
    hurried, patient = line.two_schedulers()
    line.cut()

    begun = time.monotonic()
    answer, snapshot = hurried.submit(line.spec(), token), hurried.find(token)
    took = time.monotonic() - begun

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    assert took < 2 * SHORT.total_seconds() + 2
    line.mend()
    assert found(patient, token) == []


def test_cut_during_sbatch_the_job_is_found_afterwards(line: Line, token: Token) -> None:
    hurried, patient = line.two_schedulers()
    line.root("practice-daemon", "pause", "slurmctld")

    with ThreadPoolExecutor() as pool:
        submitted = pool.submit(hurried.submit, line.spec(), token)
        until(lambda: line.is_running("sbatch "))
        line.cut()
        line.root("practice-daemon", "resume", "slurmctld")
        answer = submitted.result(timeout=PATIENCE)

    assert isinstance(answer, Indeterminate)
    until(lambda: not line.is_running("sbatch "))
    line.mend()
    assert len(found(patient, token)) == 1


def test_cut_after_sbatch_the_job_is_found_afterwards(line: Line, token: Token) -> None:
    folder = line.site.paths.storage / f"late-{token}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    (folder / "sbatch").write_text(LATE_SBATCH.format(folder=folder), encoding="ascii")
    (folder / "sbatch").chmod(0o755)
    hurried, patient = line.two_schedulers(path=f"{folder}:/usr/bin:/bin")

    with ThreadPoolExecutor() as pool:
        submitted = pool.submit(hurried.submit, line.spec(), token)
        until((folder / "done").exists)
        line.cut()
        (folder / "go").touch()
        answer = submitted.result(timeout=PATIENCE)

    assert isinstance(answer, Indeterminate)
    line.mend()
    assert found(patient, token) == [(folder / "answer").read_text(encoding="ascii").strip()]


def test_a_host_that_restarts_while_the_line_is_cut_is_reached_again(
    line: Line, token: Token
) -> None:
    scheduler = line.scheduler()
    line.cut()
    line.end_sshd()
    line.mend()
    line.root("practice-daemon", "start", "sshd")

    answer = scheduler.submit(line.spec(), token)

    assert isinstance(answer, Accepted), answer


def test_a_slow_and_stuttering_line_works(line: Line, token: Token, tmp_path: Path) -> None:
    with slow_line(line.address, seconds=0.15) as port:
        key = (line.site.paths.ssh / "known_hosts").read_text(encoding="ascii").split()[1:3]
        (tmp_path / "hosts").write_text(f"[127.0.0.1]:{port} {' '.join(key)}\n", encoding="ascii")
        scheduler = line.scheduler(host="127.0.0.1", port=port, known_hosts=tmp_path / "hosts")

        answer = scheduler.submit(line.spec(), token)

        assert isinstance(answer, Accepted), answer
        assert wait_for_end(scheduler, token) is Outcome.COMPLETED


@contextlib.contextmanager
def slow_line(address: str, *, seconds: float) -> Iterator[int]:
    """Listen on the loopback and hand on each piece late, some of them three times as late."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    far = socket.create_connection((address, 22))
                    opened.extend((near, far))
                    for pair in ((near, far), (far, near)):
                        threading.Thread(
                            target=_hand_on, args=(*pair, seconds), daemon=True
                        ).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in opened:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()


def _hand_on(source: socket.socket, sink: socket.socket, seconds: float) -> None:
    pieces: queue.Queue[tuple[float, bytes]] = queue.Queue()

    def deliver() -> None:
        with contextlib.suppress(OSError):
            while True:
                due, piece = pieces.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)

    threading.Thread(target=deliver, daemon=True).start()
    piece, number = b"begin", 0
    while piece:
        try:
            piece = source.recv(4096)
        except OSError:
            piece = b""
        number += 1
        pieces.put((time.monotonic() + seconds * (3 if number % 7 == 0 else 1), piece))
