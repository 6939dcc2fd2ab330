"""The demo's own processes: started together, ended together, each with a log file."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

PATIENCE = 30.0
"""Seconds that a process has until its port answers."""
STOP_PATIENCE = 10.0
"""Seconds that a process has to end by itself."""


class Processes:
    """Child processes of this one; leaving the ``with`` block ends all of them."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, *argv: str) -> subprocess.Popen[bytes]:
        """Start a program with ``NAME.log`` as its output."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self._environment),
            )
        self._running.append(process)
        return process

    def start_server(self, name: str, port: int, *argv: str) -> subprocess.Popen[bytes]:
        """Start a program and wait until its port on loopback answers."""
        process = self.start(name, *argv)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if answers(port):
                return process
            time.sleep(0.05)
        raise RuntimeError(f"{name} did not start: see {self._logs / name}.log")


def answers(port: int) -> bool:
    """Whether something listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(wish: int) -> int:
    """Return the wished port of loopback, or another one where it is taken."""
    if not answers(wish):
        return wish
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sealrun(*words: str) -> list[str]:
    """Return the argv of a ``sealrun`` command."""
    return [sys.executable, "-m", "portal", *words]
