"""Wait for the site, repair what can be repaired on the way, and try its doors from outside."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, cast

from site_config.practice.daemons import REST_PORT
from site_config.practice.errors import NotReadyError, PracticeError
from site_config.practice.inside import control
from site_config.practice.machine.accounts import ACCOUNT_NAME
from site_config.practice.machine.files import write_file
from site_config.practice.machine.hosts import clean_environment
from site_config.practice.machine.processes import Process
from site_config.practice.paths import SitePaths
from site_config.practice.records import Record

_READY_SECONDS = 240.0  # all daemons together, on a slow machine
_TOKEN_SECONDS = 30 * 24 * 3600


def ask(process: Process, action: str, name: str = "") -> dict[str, Any] | None:
    """Put a request to the site's init (see inside/control.py); None while it does not listen yet."""
    # A socket file is reached through the namespace's root, without entering the namespace.
    path = f"/proc/{process.pid}/root{control.SOCKET}"
    try:
        return cast("dict[str, Any]", control.ask(path, action, name, seconds=60))
    except (FileNotFoundError, ConnectionError):
        return None


def wait_ready(paths: SitePaths, process: Process) -> None:
    """Return when all daemons were started and are ready; start those that have ended since.

    Raises NotReadyError when one does not get there, or all together take longer than four minutes.
    """
    deadline = time.monotonic() + _READY_SECONDS
    answer = None
    while answer is None or answer["state"] == "starting":
        if not process.is_alive():
            raise NotReadyError(
                f"the site {paths.name} ended while it started: {end_of_log(paths, 'init')}"
            )
        if time.monotonic() > deadline:
            step = answer["step"] if answer else "init"
            raise NotReadyError(
                _not_ready(paths, step, f"after {_READY_SECONDS:.0f} s still waiting for {step}")
            )
        time.sleep(0.05)
        answer = ask(process, "status")
    if answer["state"] == "failed":
        raise NotReadyError(_not_ready(paths, answer["step"], answer["failure"]))
    for name, daemon in answer["daemons"].items():
        action = "start" if not daemon["running"] else "resume" if daemon["paused"] else ""
        repaired = ask(process, action, name) if action else None
        if repaired and repaired.get("error"):
            raise NotReadyError(_not_ready(paths, name, repaired["error"]))


def _not_ready(paths: SitePaths, daemon: str, reason: str) -> str:
    log = paths.logs / f"{daemon}.log"
    return f"the site {paths.name} is not ready: {reason}; the log {log} ends with: {end_of_log(paths, daemon)}"


def end_of_log(paths: SitePaths, daemon: str) -> str:
    """Return the last lines of a daemon's log on one line."""
    try:
        text = (paths.logs / f"{daemon}.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return " / ".join(text.strip().splitlines()[-3:])


def renew_token(paths: SitePaths, record: Record, process: Process) -> str:
    """Write a fresh slurmrestd token of the service account (30 days) to secrets/slurm-token; return it."""
    argv = inside(
        process, "scontrol", "token", f"username={ACCOUNT_NAME}", f"lifespan={_TOKEN_SECONDS}"
    )
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=clean_environment()
    )
    token = done.stdout.strip().removeprefix("SLURM_JWT=")
    if done.returncode != 0 or not token:
        raise NotReadyError(
            _not_ready(paths, "slurmctld", f"it made no token ({done.stderr.strip()})")
        )
    owner = record.account
    write_file(
        paths.secrets / "slurm-token", token + "\n", mode=0o600, uid=owner.uid, gid=owner.gid
    )
    return token


def try_doors(paths: SitePaths, record: Record, token: str | None) -> None:
    """Check from outside that sshd greets and, given a token, that slurmrestd answers; raises NotReadyError."""
    address = record.cable(paths).inside_address
    try:
        with socket.create_connection((address, 22), timeout=5) as connection:
            greeting = connection.recv(64)
    except OSError as error:
        greeting = str(error).encode()
    if not greeting.startswith(b"SSH-"):
        raise NotReadyError(_not_ready(paths, "sshd", f"at {address} it says {greeting!r}"))
    if token is None:
        return
    headers = {"X-SLURM-USER-NAME": ACCOUNT_NAME, "X-SLURM-USER-TOKEN": token}
    # Unlike ping, this is not answered without a valid token.
    question = f"slurm/{record.release.rest_version}/nodes/"
    request = urllib.request.Request(f"http://{address}:{REST_PORT}/{question}", headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=10):
            return
    except (urllib.error.URLError, OSError) as error:
        raise NotReadyError(
            _not_ready(paths, "slurmrestd", f"at {address} it says: {error}")
        ) from error


def inside(process: Process, *argv: str, user: str = "root") -> list[str]:
    """Return the argv that runs *argv* in the site as this user, from outside and by root."""
    if not Path(f"/proc/{process.pid}").exists():
        raise PracticeError("the site does not run")
    home = "/root" if user == "root" else f"/home/{user}"
    namespaces = ["--net", "--mount", "--pid", "--ipc", "--uts", "--root", f"--wdns={home}"]
    clean = [
        "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={home}", f"USER={user}", f"LOGNAME={user}",
        "LC_ALL=C.UTF-8", "TERM=xterm",
    ]  # fmt: skip
    switch = (
        []
        if user == "root"
        else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
    )
    return ["nsenter", f"--target={process.pid}", *namespaces, "--", *clean, *switch, *argv]


def observe(process: Process | None, *, known: bool) -> tuple[str, dict[str, bool]]:
    """Return the state of a site (see `Status` in site.py) and which of its daemons work."""
    if process is None:
        return ("stopped" if known else "absent"), {}
    try:
        answer = ask(process, "status")
    except PermissionError:
        return "unknown", {}
    if answer is None:
        return "starting", {}
    daemons = {
        name: daemon["running"] and not daemon["paused"]
        for name, daemon in answer["daemons"].items()
    }
    degraded = answer["state"] == "ready" and not all(daemons.values())
    return ("degraded" if degraded else answer["state"]), daemons
