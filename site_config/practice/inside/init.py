"""The site's process 1: it waits for orphans, and its only child, the supervisor, runs the daemons.

The supervisor starts the daemons of the plan one after the other, each when the one before is ready,
keeps a log for each, and answers at a socket. It restarts nothing by itself: whoever stops a daemon
wants to see what happens without it. When it ends, process 1 ends, and the kernel ends all the rest.
"""

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

PLAN = Path("/etc/practice/plan.json")
LOGS = Path("/var/log/practice")
SOCKET = Path("/run/practice/control.sock")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
STOP_SECONDS = 5.0
CHECK_SECONDS = 0.05
_SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}

Plan = Mapping[str, Any]  # as daemons.py outside the site writes it


class InitFailedError(Exception):
    """A daemon did not become what the plan says; the message names it."""


class Daemon:
    """One daemon of the plan and its process, if it runs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.name: str = plan["name"]
        self.process: subprocess.Popen[bytes] | None = None
        self.paused = False

    def is_running(self) -> bool:
        """Tell whether the process exists, working or paused."""
        return self.process is not None and self.process.poll() is None

    def describe(self) -> dict[str, object]:
        """Return what the control socket tells about this daemon."""
        process = self.process
        return {
            "running": self.is_running(),
            "paused": self.paused and self.is_running(),
            "pid": process.pid if process else None,
            "exit_code": process.poll() if process else None,
        }

    def start(self, halt: threading.Event) -> None:
        """Start the daemon and return when it is ready; raises InitFailedError."""
        for step in self.plan["before"]:
            self._take(step)
        with (LOGS / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.plan["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT | self.plan["environment"],
                start_new_session=True,
                umask=self.plan["umask"],
            )
        self.paused = False
        self._wait_ready(halt)
        for step in self.plan["after"]:
            self._take(step)

    def stop(self) -> None:
        """Ask the daemon to end; kill it when it takes longer than STOP_SECONDS."""
        if self.process is None or not self.is_running():
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, action: str) -> None:
        """Carry out kill, pause or resume."""
        if self.process is not None and self.is_running():
            self.process.send_signal(_SIGNALS[action])
            self.paused = action == "pause"
            if action == "kill":
                self.process.wait()

    def _take(self, step: Plan) -> None:
        unless = step.get("unless")
        if unless and Path(unless).exists():
            return
        with (LOGS / f"{self.name}.log").open("ab") as log:
            done = subprocess.run(
                step["argv"],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                timeout=60,
            )
        if done.returncode != 0 and not step.get("may_fail"):
            raise InitFailedError(
                f"{self.name}: `{' '.join(step['argv'])}` ended with {done.returncode}"
            )
        if unless:
            Path(unless).touch()

    def _wait_ready(self, halt: threading.Event) -> None:
        ready = self.plan["ready"]
        deadline = time.monotonic() + ready["seconds"]
        while not is_ready(ready):
            if self.process is None or not self.is_running():
                code = self.process.poll() if self.process else None
                raise InitFailedError(f"{self.name} ended with {code} instead of becoming ready")
            if time.monotonic() > deadline:
                raise InitFailedError(f"{self.name} was not ready after {ready['seconds']:.0f} s")
            if halt.wait(CHECK_SECONDS):
                raise InitFailedError(f"{self.name} was interrupted")


def is_ready(ready: Plan) -> bool:
    """Tell whether the plan's condition holds: an address accepts a connection, or a command says the right words."""
    if "connect" in ready:
        host, port = ready["connect"]
        try:
            with socket.create_connection((host, port), timeout=1):
                return True
        except OSError:
            return False
    try:
        done = subprocess.run(
            ready["argv"],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            timeout=10,
        )
    except subprocess.TimeoutExpired:
        return False
    words = done.stdout.split()
    allowed = ready.get("words")
    return done.returncode == 0 and (not allowed or (bool(words) and set(words) <= set(allowed)))


class Supervisor:
    """All daemons in the order of the plan, and how far the start has come."""

    def __init__(self, plan: Plan) -> None:
        self.daemons = {entry["name"]: Daemon(entry) for entry in plan["daemons"]}
        self.halt = threading.Event()
        self.lock = threading.Lock()
        self.state = "starting"
        self.step = ""
        self.error = ""

    def boot(self) -> None:
        """Start all daemons; afterwards `state` is `ready` or `failed`."""
        try:
            for daemon in self.daemons.values():
                self.step = daemon.name
                with self.lock:
                    daemon.start(self.halt)
        except (InitFailedError, OSError, subprocess.SubprocessError) as error:
            self.state, self.error = "failed", str(error)
        else:
            self.state = "ready"

    def shut_down(self) -> None:
        """Stop all daemons, the last one first."""
        for daemon in reversed(self.daemons.values()):
            daemon.stop()

    def answer(self, request: Mapping[str, str]) -> dict[str, object]:
        """Carry out one request of the control socket; an `error` in the answer says why it was not done."""
        action, name = request.get("action", ""), request.get("name", "")
        if action == "status":
            return self._status()
        daemon = self.daemons.get(name)
        if daemon is None:
            return {"error": f"no daemon {name!r}; there are {', '.join(self.daemons)}"}
        with self.lock:
            try:
                self._act(action, daemon)
            except (InitFailedError, OSError, subprocess.SubprocessError) as error:
                return {"error": str(error)}
        return daemon.describe()

    def _act(self, action: str, daemon: Daemon) -> None:
        if action in _SIGNALS:
            daemon.send(action)
        elif action == "stop":
            daemon.stop()
        elif action == "start":
            if not daemon.is_running():
                daemon.start(self.halt)
        else:
            raise InitFailedError(f"no action {action!r}")

    def _status(self) -> dict[str, object]:
        daemons = {name: daemon.describe() for name, daemon in self.daemons.items()}
        return {"state": self.state, "step": self.step, "failure": self.error, "daemons": daemons}


class Conversation(socketserver.StreamRequestHandler):
    """One request, one answer, both a line of JSON."""

    def handle(self) -> None:
        """Answer the request."""
        server = cast("ControlServer", self.server)
        request = json.loads(self.rfile.readline(65536))
        self.wfile.write(json.dumps(server.supervisor.answer(request)).encode() + b"\n")


class ControlServer(socketserver.ThreadingUnixStreamServer):
    """The control socket. Its folder is root's alone, so that jobs cannot stop daemons."""

    daemon_threads = True

    def __init__(self, supervisor: Supervisor) -> None:
        SOCKET.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        SOCKET.unlink(missing_ok=True)
        super().__init__(str(SOCKET), Conversation)
        self.supervisor = supervisor


def supervise() -> None:
    """Run the daemons until SIGTERM."""
    supervisor = Supervisor(json.loads(PLAN.read_text(encoding="utf-8")))
    signal.signal(signal.SIGTERM, lambda *_: supervisor.halt.set())
    server = ControlServer(supervisor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    supervisor.boot()
    supervisor.halt.wait()
    supervisor.shut_down()


def reap_until_gone(supervisor_pid: int) -> None:
    """Collect every process that ends, until the supervisor has."""
    while True:
        pid, _ = os.wait()
        if pid == supervisor_pid:
            return


def main() -> None:
    """Be process 1: start the supervisor, hand SIGTERM on to it, and reap."""
    child = os.fork()
    if child == 0:
        supervise()
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    reap_until_gone(child)


if __name__ == "__main__":
    main()
    sys.exit(0)
