"""One practice site: bring it up, take it down, say how it is."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

from site_config.practice import readiness
from site_config.practice.configuration import nodes_of
from site_config.practice.daemons import REST_PORT, REST_SOCKET
from site_config.practice.errors import NotReadyError, PracticeError
from site_config.practice.machine import cgroups, hosts, networks
from site_config.practice.machine.files import disk_bytes, remove_tree
from site_config.practice.machine.locks import locked
from site_config.practice.paths import DEFAULT_NAME, SitePaths, cache_directory
from site_config.practice.preparation import prepare
from site_config.practice.records import read_record, running_process
from site_config.practice.root import roots
from site_config.practice.root.recipe import Recipe
from site_config.practice.root.releases import DEFAULT_RELEASE, Release, release_named
from site_config.practice.weaknesses import check_weakening

_LOCK_SECONDS = 1000.0  # longer than the first build
_STOP_SECONDS = 30.0


@contextmanager
def _usual_umask() -> Iterator[None]:
    """Make folders that others may pass through, also for a caller who keeps theirs private."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _say_nothing(_: str) -> None:
    """Be quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a site is.

    `state` is one of absent, stopped, starting, ready, degraded (a daemon is stopped or paused), failed,
    and unknown (running, but only root can ask). Sizes are bytes of disk; the root is shared by all sites.
    """

    name: str
    release: str
    weaknesses: tuple[str, ...]
    state: str
    running: bool
    directory: Path
    site_yaml: Path
    shared: Path
    ssh: Path
    logs: Path
    address: str
    rest_url: str
    rest_socket: Path
    account_uid: int | None
    nodes: tuple[str, ...]
    daemons: dict[str, bool]
    pid: int | None
    disk_bytes: int
    root_disk_bytes: int


class PracticeSite:
    """A site by its name. Nothing happens until a method is called; all but `status` need root."""

    def __init__(
        self, name: str = DEFAULT_NAME, *, say: Callable[[str], None] = _say_nothing
    ) -> None:
        self.name = name
        self.paths = SitePaths.of(name)
        self._say = say

    def up(
        self,
        *,
        account_uid: int | None = None,
        slurm: str | None = None,
        weaken: tuple[str, ...] = (),
    ) -> Status:
        """Return when the site is ready: nodes serving, sshd and slurmrestd answering. Starts what does not run.

        Raises NotReadyError, naming the daemon and its log, when that is not reached in time. A site that
        could not start is stopped again; its logs stay. *slurm* is a release line such as ``24.11``; a
        site keeps the one that it was first brought up with. *weaken* names what is to be wrong with it
        (see weaknesses.py) until it is stopped.
        """
        check_weakening(self.name, weaken)
        hosts.need_root()
        hosts.need_programs(for_build=False)
        with (
            _usual_umask(),
            locked(
                self.paths.lock, seconds=_LOCK_SECONDS, what=f"the practice site {self.name}"
            ) as lock,
        ):
            self._refuse_other_account(account_uid)
            self._refuse_other_weaknesses(weaken)
            release = self._choose_release(slurm)
            if not self._is_mended():
                self._end()
                try:
                    self._start(account_uid, release, weaken, lock)
                    self._wait_ready(renew_token=True)
                except NotReadyError:
                    self._end()
                    raise
        return self.status()

    def down(self, *, purge: bool = False) -> None:
        """Stop the site; return when all its processes have ended. With *purge* its disk is freed as well."""
        hosts.need_root()
        with locked(self.paths.lock, seconds=_LOCK_SECONDS, what=f"the practice site {self.name}"):
            self._end()
            if purge:
                self._purge()

    def status(self) -> Status:
        """Return how the site is. Nothing is changed, and anybody may ask."""
        paths, record, process = self.paths, read_record(self.paths), running_process(self.paths)
        state, daemons = readiness.observe(process, known=record is not None)
        address = record.cable(paths).inside_address if record else ""
        nodes = nodes_of(self.name)
        return Status(
            name=self.name,
            release=record.release.name if record else "",
            weaknesses=record.weaknesses if record else (),
            state=state,
            running=process is not None,
            directory=paths.home,
            site_yaml=paths.site_yaml,
            shared=paths.shared,
            ssh=paths.ssh,
            logs=paths.logs,
            address=address,
            rest_url=f"http://{address}:{REST_PORT}" if address else "",
            rest_socket=paths.rest / REST_SOCKET,
            account_uid=record.account.uid if record else None,
            nodes=(nodes.gpu, nodes.build),
            daemons=daemons,
            pid=process.pid if process else None,
            disk_bytes=disk_bytes(paths.home),
            root_disk_bytes=roots.root_disk_bytes(cache_directory(), record.root) if record else 0,
        )

    def command(self, *argv: str, user: str = "root") -> list[str]:
        """Return the argv with which root runs *argv* inside the site as `root` or `challenge`."""
        process = running_process(self.paths)
        if process is None:
            raise PracticeError(
                f"the site {self.name} does not run; start it with `sealrun practice up`"
            )
        return readiness.inside(process, *argv, user=user)

    def _refuse_other_account(self, asked: int | None) -> None:
        record = read_record(self.paths)
        if (
            asked is not None
            and record
            and asked != record.account.uid
            and running_process(self.paths)
        ):
            raise PracticeError(
                f"the site {self.name} runs for the user id {record.account.uid}: take it down first, "
                f"then bring it up with --account-uid {asked}"
            )

    def _refuse_other_weaknesses(self, asked: tuple[str, ...]) -> None:
        record = read_record(self.paths)
        if asked and record and asked != record.weaknesses and running_process(self.paths):
            raise PracticeError(
                f"the site {self.name} runs already: take it down first, then bring it up weakened"
            )

    def _is_mended(self) -> bool:
        """Tell whether the site runs and is ready, if need be after starting single daemons of it."""
        record, process = read_record(self.paths), running_process(self.paths)
        if record is None or process is None:
            return False
        if not Path("/sys/class/net", record.cable(self.paths).outside_interface).exists():
            return False
        answer = readiness.ask(process, "status")
        if answer is not None and answer["state"] == "failed":
            return False
        try:
            # The token is missing when an earlier `up` was killed before it got there.
            self._wait_ready(renew_token=not (self.paths.secrets / "slurm-token").exists())
        except NotReadyError:
            # It may have been killed a moment ago; what still runs but cannot be mended is reported.
            if process.is_alive():
                raise
            return False
        return True

    def _choose_release(self, asked: str | None) -> Release:
        """Return the release asked for or, without, the site's former one or the usual one."""
        record = read_record(self.paths)
        release = release_named(asked) if asked else None
        if record and release and release != record.release:
            raise PracticeError(
                f"the site {self.name} has Slurm {record.release.name}, whose records another release cannot "
                "read: choose another --name, or purge the site first"
            )
        return release or (record.release if record else release_named(DEFAULT_RELEASE))

    def _start(
        self, account_uid: int | None, release: Release, weaken: tuple[str, ...], lock: int
    ) -> None:
        root = roots.obtain_root(cache_directory(), Recipe.of(release), self._say)
        record = prepare(
            self.paths, release=release, root=root, account_uid=account_uid, weaknesses=weaken
        )
        argv = [
            sys.executable,
            "-m",
            "site_config.practice.launch",
            str(self.paths.home),
            str(lock),
        ]
        environment = hosts.clean_environment() | {
            "PYTHONPATH": str(Path(__file__).resolve().parents[2])
        }
        with (self.paths.logs / "init.log").open("ab") as log:
            done = subprocess.run(
                argv,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                pass_fds=(lock,),
            )
        if done.returncode != 0:
            raise NotReadyError(
                f"the site's namespaces could not be made: {readiness.end_of_log(self.paths, 'init')}"
            )
        self._say(f"starting the site {self.name} at {record.cable(self.paths).inside_address}")

    def _wait_ready(self, *, renew_token: bool) -> None:
        record, process = read_record(self.paths), running_process(self.paths)
        if record is None or process is None:
            raise NotReadyError(
                f"the site {self.name} ended at once: {readiness.end_of_log(self.paths, 'init')}"
            )
        readiness.wait_ready(self.paths, process)
        token = readiness.renew_token(self.paths, record, process) if renew_token else None
        readiness.try_doors(self.paths, record, token)

    def _end(self) -> None:
        """End the site's processes and remove what only a running site needs."""
        record, process = read_record(self.paths), running_process(self.paths)
        if process is not None:
            process.send(SIGTERM)
            if not process.wait_gone(_STOP_SECONDS):
                process.send(SIGKILL)
                if not process.wait_gone(_STOP_SECONDS):
                    raise PracticeError(
                        f"process {process.pid} of the site {self.name} does not end"
                    )
        if record is not None:
            networks.unplug(record.cable(self.paths))
        nodes = nodes_of(self.name)
        cgroups.sweep(self.name, (nodes.gpu, nodes.build))
        self.paths.process.unlink(missing_ok=True)
        for folder in (
            self.paths.upper,
            self.paths.work,
            self.paths.scratch,
            self.paths.verified,
            self.paths.rest,
            self.paths.home / "copy",
        ):
            remove_tree(folder)

    def _purge(self) -> None:
        record = read_record(self.paths)
        key = record.root if record else Recipe().key
        if roots.release_root(cache_directory(), key, self.paths.home):
            self._say("removed the built root as well: no other site uses it")
        remove_tree(self.paths.home)
        # Those who wait for it notice, see locks.py.
        self.paths.lock.unlink(missing_ok=True)
