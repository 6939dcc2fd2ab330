"""One scheduler each, and the means to put it into the situations that the contract speaks of."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from scheduler.commands.adapter import SlurmCommands
from scheduler.errors import UnreachableError
from scheduler.interface import JobReport, JobSpec, Phase, Scheduler, Token
from scheduler.memory import MemoryScheduler
from scheduler.slurmrestd.adapter import SlurmRest
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.client import Client, RestClient
from scheduler.ssh.transport import SshTransport
from scheduler.transport import Finished, Transport
from tests.support import patience

PATIENCE = timedelta(seconds=patience.PATIENCE)
_PRACTICE_DAEMON = "/usr/local/sbin/practice-daemon"


class Lab(Protocol):
    """What a test of the contract may ask for."""

    scheduler: Scheduler

    def new_token(self) -> Token: ...

    def spec(self, script: str, **changes: Any) -> JobSpec:
        """Return a small job that the cluster takes."""

    def tick(self) -> None:
        """Let time pass."""

    def losing_replies(self) -> contextlib.AbstractContextManager[None]:
        """Let requests arrive whose answers do not come back."""


def wait_for(lab: Lab, token: Token, *phases: Phase) -> JobReport:
    """Return the first report on ``token`` that is in one of ``phases``."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    reports: tuple[JobReport, ...] = ()
    while time.monotonic() < deadline:
        reports = lab.scheduler.snapshot([token]).jobs.get(token, ())
        if reports and reports[0].phase in phases:
            return reports[0]
        lab.tick()
    raise AssertionError(f"{token} did not become {phases}, last seen: {reports}")


class MemoryLab:
    """The scheduler in memory. A script's work is what its ``exit`` says."""

    def __init__(self, memory: MemoryScheduler, folder: Path, tokens: Callable[[], str]) -> None:
        memory.runner = _exit_code
        memory.partitions, memory.accounts = {"build"}, {"challenges"}
        self.scheduler = memory
        self._folder = PurePosixPath(folder)
        self._tokens = tokens

    def new_token(self) -> Token:
        return Token(self._tokens())

    def spec(self, script: str, **changes: Any) -> JobSpec:
        return small_job(script, self._folder, **{"account": "challenges"} | changes)

    def tick(self) -> None:
        self.scheduler.advance()

    @contextlib.contextmanager
    def losing_replies(self) -> Iterator[None]:
        self.scheduler.loses_replies = True
        yield
        self.scheduler.loses_replies = False


class ClusterLab:
    """Slurm's commands on a practice site."""

    def __init__(
        self, site: dict[str, Any], folder: PurePosixPath, tokens: Callable[[], str]
    ) -> None:
        self.site = site
        self.transport = CountingTransport(connect(site))
        self.scheduler: Scheduler = SlurmCommands(self.transport)
        self.folder = folder
        self._tokens = tokens
        self._used: list[Token] = []

    def new_token(self) -> Token:
        token = Token(self._tokens())
        self._used.append(token)
        return token

    def spec(self, script: str, **changes: Any) -> JobSpec:
        folder = self.folder / f"job-{time.time_ns()}"
        self.make_folder(folder)
        return small_job(script, folder, **changes)

    def make_folder(self, folder: PurePosixPath) -> None:
        """Make ``folder`` on the cluster, as its user."""
        assert self.transport.inner.run(["mkdir", str(folder)], timeout=PATIENCE).returncode == 0

    def tick(self) -> None:
        time.sleep(0.2)

    def wait_for_nodes(self) -> None:
        """Wait until Slurm has all nodes: for a moment after a job was ended in its start it drains one."""
        patience.once(self._node_states, _all_usable, pause=0.2)

    def _node_states(self) -> bytes:
        argv = ["sinfo", "--noheader", "--Node", "--format=%T"]
        return self.transport.inner.run(argv, timeout=PATIENCE).stdout

    def without_queue(self) -> Scheduler:
        """Return a scheduler that finds the queue empty, as after MinJobAge."""
        return SlurmCommands(EmptyQueue(self.transport))

    def impatient(self) -> Scheduler:
        """Return a scheduler that waits for one second, however long it would take."""
        return SlurmCommands(ImpatientTransport(self.transport))

    @contextlib.contextmanager
    def losing_replies(self) -> Iterator[None]:
        """Stop slurmctld without ending it; it takes in meanwhile what arrives on its port."""
        config = self.transport.inner.run(["scontrol", "show", "config"], timeout=PATIENCE).stdout
        pid_file = re.findall(r"SlurmctldPidFile\s*=\s*(\S+)", config.decode())[0]
        operator = connect(self.site, operator=True)
        pid = operator.run(["cat", pid_file], timeout=PATIENCE).stdout.decode().strip()
        operator.run(["kill", "-STOP", pid], timeout=PATIENCE)
        try:
            yield
        finally:
            operator.run(["kill", "-CONT", pid], timeout=PATIENCE)
            operator.close()

    @contextlib.contextmanager
    def without_daemon(self, name: str) -> Iterator[None]:
        """Stop a daemon of the site, and start it again afterwards.

        Not killed: a slurmctld that has not saved its state can start a job once more, find it running
        and drain the node (seen with 26.05), and others use the site after us.
        """
        operator = connect(self.site, operator=True)
        stopped = operator.run([_PRACTICE_DAEMON, "stop", name], timeout=PATIENCE)
        assert stopped.returncode == 0, stopped.stdout
        try:
            yield
        finally:
            started = operator.run([_PRACTICE_DAEMON, "start", name], timeout=PATIENCE)
            operator.close()
        assert started.returncode == 0, started.stdout

    def close(self) -> None:
        """Leave no job behind."""
        for token in self._used:
            with contextlib.suppress(UnreachableError):
                self.scheduler.cancel(token)
        self.transport.inner.close()


class RestLab(ClusterLab):
    """slurmrestd on a practice site."""

    def __init__(
        self, site: dict[str, Any], folder: PurePosixPath, tokens: Callable[[], str], way: str
    ) -> None:
        super().__init__(site, folder, tokens)
        self._way = way
        self._doors: list[RestClient] = []
        self.client = CountingClient(rest_client(site, way))
        self.scheduler = self.speaking(self.client)

    def speaking(self, client: Client) -> SlurmRest:
        """Return a scheduler that asks through ``client``."""
        return SlurmRest(client)

    def without_queue(self) -> Scheduler:
        return self.speaking(EmptyQueueClient(self.client))

    def impatient(self) -> Scheduler:
        return self.speaking(self.door(timeout=timedelta(seconds=1)))

    def door(self, **more: Any) -> RestClient:
        """Return another client of the same slurmrestd, which is closed with the lab."""
        self._doors.append(rest_client(self.site, self._way, **more))
        return self._doors[-1]

    def close(self) -> None:
        super().close()
        for client in (self.client, *self._doors):
            client.close()


class CountingTransport:
    """Remembers which programs ran."""

    def __init__(self, inner: SshTransport) -> None:
        self.inner = inner
        self.programs: list[str] = []

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        self.programs.append(argv[2] if argv[0] == "env" else argv[0])
        return self.inner.run(argv, stdin=stdin, timeout=timeout)


class CountingClient:
    """Remembers which paths were asked, without the version."""

    def __init__(self, inner: RestClient) -> None:
        self._inner = inner
        self.user = inner.user
        self.paths: list[str] = []

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        self.paths.append(re.sub(r"v\d+\.\d+\.\d+/", "", path))
        return self._inner.ask(method, path, **more)

    def close(self) -> None:
        self._inner.close()


class EmptyQueueClient:
    """Lets the queue be empty, as after MinJobAge; everything else is real."""

    def __init__(self, inner: CountingClient) -> None:
        self._inner = inner
        self.user = inner.user

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        if path.startswith("/slurm/") and path.endswith("/jobs/"):
            return Answer(status=200, document={"errors": [], "jobs": []})
        return self._inner.ask(method, path, **more)

    def close(self) -> None:
        """Nothing to close: the inner one is somebody else's."""


class ImpatientTransport:
    """Gives every command one second, however long the caller would wait."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        return self._inner.run(argv, stdin=stdin, timeout=timedelta(seconds=1))


class EmptyQueue:
    """Lets squeue see nothing, as after MinJobAge; everything else is real."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        if "squeue" in argv:
            return Finished(returncode=0, stdout=b"", stderr=b"")
        return self._inner.run(argv, stdin=stdin, timeout=timeout)


def connect(site: dict[str, Any], *, operator: bool = False) -> SshTransport:
    """Return a transport to the site as its portal's user, or as root."""
    ssh = site["clusters"]["main"]["connect"]["ssh"]
    key = Path(ssh["key_file"])
    return SshTransport(
        host=ssh["host"],
        port=ssh["port"],
        user="root" if operator else ssh["user"],
        key_file=key.with_name("operator_ed25519") if operator else key,
        known_hosts=Path(ssh["known_hosts"]),
    )


def rest_client(site: dict[str, Any], way: str, **more: Any) -> RestClient:
    """Return a client of the site's slurmrestd through ``tcp`` or its ``socket``."""
    ssh = site["clusters"]["main"]["connect"]["ssh"]
    home = Path(ssh["key_file"]).parents[1]
    settings: dict[str, Any] = {"user": ssh["user"], "token_file": home / "secrets/slurm-token"}
    if way == "tcp":
        settings["url"] = f"http://{ssh['host']}:6820"
    else:
        settings["socket"] = home / "rest/slurmrestd.socket"
    return RestClient(**settings | more)


def small_job(script: str, folder: PurePosixPath, **changes: Any) -> JobSpec:
    """Return a job of the smallest size, whose files are in ``folder``."""
    settings = {
        "script": f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n",
        "workdir": folder,
        "stdout": folder / "stdout",
        "stderr": folder / "stderr",
        "partition": "build",
        "account": "challenges",
        "qos": "challenge",
        "cpus": 1,
        "memory_mib": 100,
        "time_limit": timedelta(minutes=1),
    }
    return JobSpec(**settings | changes)


def _all_usable(states: bytes) -> bool:
    unusable = (b"unknown", b"drain", b"down", b"*")
    return states != b"" and not any(word in states for word in unusable)


def _exit_code(spec: JobSpec, token: Token) -> int:
    match = re.search(r"exit (\d+)", spec.script)
    return int(match[1]) if match else 0
