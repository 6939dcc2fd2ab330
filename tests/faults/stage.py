"""Where the faults happen: a practice site of their own, with a small disk as its shared storage.

The portal's files and database belong to the ordinary account, whose worker this is; what root does here
for the account is handed over to it.
"""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from examples.demo.account import CHECKOUT, as_account
from site_config.practice.machine.files import remove_tree
from site_config.practice.site import PracticeSite
from tests.faults.gate import Gate
from tests.faults.line import Line
from tests.support.cluster.ownership import hand_over
from tests.support.cluster.spine import Spine, open_spine
from tests.support.patience import PATIENCE

NAME = "faults"
ACCOUNT = 20303
DISK = "500m"
SLEEP = 9
"""Seconds that the slow program sleeps before it begins."""
SLOW, QUICK, RESULTS = "slow.zip", "knn.zip", "predictions.csv"
# What the controller waits for, shorter than is usual. The node has to be silent for longer than any fault
# of the network lasts, as on a real site.
LIMITS = {"MessageTimeout": 5, "UnkillableStepTimeout": 25, "SlurmdTimeout": 30}
SETTINGS = {"grace": {"submit": "6s", "absent": "8s"}}


@dataclass
class Stage:
    """A running site, its portal, and what can be done to both."""

    practice: PracticeSite
    spine: Spine
    line: Line
    gate: Gate
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def root(self, *argv: str) -> str:
        """Run a command in the site as root; return what it printed."""
        command = self.practice.command(*argv, user="root")
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def daemon(self, action: str, name: str) -> None:
        self.root("practice-daemon", action, name)

    def submit(self, name: str, person: str) -> str:
        """Submit one of the files; return the submission's id."""
        submission = self.spine.submit(name, person)
        self._give()
        return submission

    def new_person(self) -> str:
        return self.spine.new_person()

    def start_worker(self, *, lease: int | None = None) -> subprocess.Popen[bytes]:
        """Start the real worker as the ordinary account; ``lease``: its seconds, if not the usual."""
        program = ("tests.faults.hurried_worker", str(lease)) if lease else ("portal", "work")
        argv = [sys.executable, "-m", *program, "--site", str(self.spine.settings)]
        with (self.spine.settings.parent / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                as_account(argv, self.practice.status(), home="home"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )
        self.workers.append(worker)
        return worker

    def end_workers(self) -> None:
        """End those that run, as an operator does."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(timeout=PATIENCE)
        self.workers.clear()

    @contextmanager
    def worker_stopped(self) -> Iterator[None]:
        """Keep the workers from doing anything, between two of their instructions.

        Not in the middle of a transaction, though: nobody else could write then.
        """
        running = [worker for worker in self.workers if worker.poll() is None]
        for _ in range(200):
            for worker in running:
                worker.send_signal(signal.SIGSTOP)
            if not self._is_being_written():
                break
            for worker in running:
                worker.send_signal(signal.SIGCONT)
            time.sleep(0.02)
        try:
            yield
        finally:
            for worker in running:
                worker.send_signal(signal.SIGCONT)

    def _is_being_written(self) -> bool:
        """Whether somebody is in a transaction that keeps everybody else from writing."""
        file = self.spine.site.settings.database.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            connection.execute("ROLLBACK")
        return False

    def fill_disk(self) -> None:
        """Leave not a byte of the storage free, whatever others write meanwhile."""
        taken = 0
        with self._filler.open("wb") as file:
            while free := self._free_bytes():
                try:
                    os.posix_fallocate(file.fileno(), taken, free)
                except OSError as problem:
                    if problem.errno != errno.ENOSPC:
                        raise
                else:
                    taken += free

    def _free_bytes(self) -> int:
        found = os.statvfs(self.practice.paths.shared)
        return found.f_bavail * found.f_frsize

    def free_disk(self) -> None:
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.practice.paths.shared / "filler"

    def _give(self) -> None:
        """Hand over to the account what root made in its name."""
        hand_over(self.spine.settings.parent, self.spine.storage / "blobs", account=ACCOUNT)


@contextmanager
def open_stage(digits: Path, folder: Path) -> Iterator[Stage]:
    """Bring the site up with the digits challenge on it; remove all of it afterwards."""
    practice = PracticeSite(NAME)
    _remove(practice)
    try:
        practice.paths.shared.mkdir(parents=True)
        _mount("mount", "-t", "tmpfs", "-o", f"size={DISK}", NAME, str(practice.paths.shared))
        status = practice.up(account_uid=ACCOUNT)
        line = Line(status.address)
        spine = open_spine(
            NAME, _example(digits, folder / "example"), changes=[_settings(practice, line)]
        )
        stage = Stage(practice, spine, line, Gate.built(Path(f"/proc/{status.pid}/root")))
        data = practice.paths.shared / "data"
        hand_over(spine.storage, data, account=ACCOUNT)
        stage._give()
        _shorten(stage)
        try:
            yield stage
        finally:
            stage.end_workers()
            spine.site.database.engine.dispose()
            line.close()
    finally:
        _remove(practice)


def _remove(practice: PracticeSite) -> None:
    practice.down()
    while practice.paths.shared.is_mount():
        _mount("umount", str(practice.paths.shared))
    practice.down(purge=True)


def _mount(*argv: str) -> None:
    subprocess.run(argv, check=True)


def _settings(practice: PracticeSite, line: Line) -> dict[str, Any]:
    """Return what differs from the practice site's settings: the line, the times, the place."""
    usual = yaml.safe_load(practice.paths.site_yaml.read_text(encoding="utf-8"))
    clusters, profiles = usual["clusters"], usual["profiles"]
    known = practice.paths.ssh / "known_hosts"
    key = " ".join(known.read_text(encoding="ascii").split()[1:3])
    hosts = practice.paths.portal / "known_hosts"
    hosts.write_text(f"[127.0.0.1]:{line.port} {key}\n", encoding="ascii")
    clusters["main"]["connect"]["ssh"] |= {
        "host": "127.0.0.1",
        "port": line.port,
        "known_hosts": str(hosts),
    }
    storage = practice.paths.storage / NAME
    storage.mkdir(mode=0o750)
    clusters["main"]["storage"] = str(storage)
    profiles["gpu-small"]["time"] = "1m"
    return {"clusters": clusters, "profiles": profiles, **SETTINGS}


def _shorten(stage: Stage) -> None:
    """Write the shorter limits into the site's own configuration and let the controller read it."""
    words = [
        word for key, value in LIMITS.items() for word in ("-e", f"s/^{key}=.*/{key}={value}/")
    ]
    stage.root("sed", "-i", *words, "/etc/slurm/slurm.conf")
    stage.root("scontrol", "reconfigure")


def _example(digits: Path, folder: Path) -> Path:
    """Return the example with a slow program beside the quick one, which gets the same scores."""
    remove_tree(folder)
    submissions = folder / "submissions"
    submissions.mkdir(parents=True)
    for part in ("challenge", "data"):
        (folder / part).symlink_to(digits / part)
    for name in (QUICK, RESULTS, "expected.json"):
        shutil.copy(digits / "submissions" / name, submissions)
    with (
        zipfile.ZipFile(submissions / QUICK) as quick,
        zipfile.ZipFile(submissions / SLOW, "w", zipfile.ZIP_DEFLATED) as slow,
    ):
        for entry in quick.infolist():
            head = f"import time\n\ntime.sleep({SLEEP})\n" if entry.filename == "predict.py" else ""
            slow.writestr(entry, head.encode() + quick.read(entry))
    return folder
