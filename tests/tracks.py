"""Steps that can run at the same time: several tracks, each with its steps one after the other.

Most suites wait for Slurm most of the time, so that together they take as long as the longest one. What a
step says is printed when it has ended, whole.
"""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 60.0
"""How long a step may take to end when it is told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, and what it is called."""

    name: str
    argv: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Steps that must not run at the same time as each other."""

    steps: Sequence[Step]


@dataclass(kw_only=True)
class Tracks:
    """Tracks that run together."""

    cwd: Path
    environment: Mapping[str, str]
    say: Callable[[str], None]
    """Told when a step begins, and all that it said when it has ended."""
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
        with tempfile.TemporaryFile() as output:
            started = time.monotonic()
            with self._lock:
                self.say(f"\n== {step.name}: begun")
                process = subprocess.Popen(
                    step.argv,
                    cwd=self.cwd,
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                self._running.append(process)
            code = process.wait()
            seconds = time.monotonic() - started
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
