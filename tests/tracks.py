"""Steps that can run at the same time: several tracks, each with its steps one after the other.

Most suites wait for Slurm most of the time, so that together they take as long as the longest one. What a
step says is printed when it has ended, whole.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 60.0
"""How long a step may take to end when it is asked to."""
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it has a random name
MEMORY_BYTES = 8 << 30
"""How much must be free there for the files of the tests to go there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, and what it is called."""

    name: str
    argv: Sequence[str]
    account_uid: int | None = None
    """Whose the folder for temporary files is, where root runs the step as somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Steps that must not run at the same time as each other."""

    steps: Sequence[Step]


@contextmanager
def own_folder(account_uid: int | None = None) -> Iterator[Path]:
    """Make a folder for the temporary files of one step, in memory where there is room; remove it at the end.

    Tests write small files and wait for the disk to have them. Each step has a folder of its own, as
    pytest tidies up what other runs of the same account left.
    """
    memory = MEMORY if _has_room(MEMORY) else None
    folder = Path(tempfile.mkdtemp(prefix="sealrun-tests-", dir=memory))
    try:
        if account_uid is not None and os.geteuid() == 0:
            os.chown(folder, account_uid, account_uid)
        yield folder
    finally:
        # Some tests leave trees that are deeper than Python's own removal can go.
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False)


def _has_room(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= MEMORY_BYTES


@dataclass(kw_only=True)
class Tracks:
    """Tracks that run together."""

    cwd: Path
    environment: Mapping[str, str]
    say: Callable[[str], None]
    """Told when a step begins, and all that it said when it has ended."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, by which it is said how long a step has taken."""
    failed: list[str] = field(default_factory=list)
    _running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, tracks: Sequence[Track]) -> list[str]:
        """Run all of them to their ends; return the names of the steps that failed.

        Whatever interrupts this ends all steps before it is passed on.
        """
        threads = [threading.Thread(target=self._follow, args=(track,)) for track in tracks]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop()
            for thread in threads:
                thread.join()
            raise
        return self.failed

    def _follow(self, track: Track) -> None:
        for step in track.steps:
            if self._stopped.is_set():
                return
            self._do(step)

    def _do(self, step: Step) -> None:
        with tempfile.TemporaryFile() as output, own_folder(step.account_uid) as folder:
            started = self.clock()
            with self._lock:
                self.say(f"\n== {step.name}: begun")
                process = subprocess.Popen(
                    step.argv,
                    cwd=self.cwd,
                    env={
                        **self.environment,
                        "TMPDIR": str(folder),
                        "COVERAGE_FILE": str(folder / "coverage"),
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                self._running.append(process)
            code = process.wait()
            seconds = self.clock() - started
            output.seek(0)
            with self._lock:
                self._running.remove(process)
                if code != 0:
                    self.failed.append(step.name)
                text = output.read().decode("utf-8", "replace").rstrip("\n")
                word = "ok" if code == 0 else "FAILED"
                self.say(f"\n== {step.name}\n{text}\n== {step.name}: {word}, {seconds:.0f} s")

    def _stop(self) -> None:
        self._stopped.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
