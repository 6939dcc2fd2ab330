"""Writes down what the inside of the sealed job looks like, with valid predictions beside it.

The report, inspection.json in the output, is how the tests of a site see the isolation from within.
"""

import errno
import glob
import json
import os
import socket
from pathlib import Path

import answers

STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid", "Gid")


def outcome(path: str, flags: int) -> str:
    """Open a path; say ``ok`` or the name of the error."""
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "ok"


def interfaces() -> list[str]:
    """Return the names of the network interfaces."""
    lines = Path("/proc/net/dev").read_text("ascii").splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


def connection() -> str:
    """Try to reach a documentation address; say ``ok`` or the name of the error."""
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=2).close()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    return "ok"


def status() -> dict[str, str]:
    """Return this process' capabilities, seccomp mode and ids as the kernel tells them."""
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key: value.strip() for key, _, value in pairs if key in STATUS}


def truth_paths() -> list[str]:
    """Return every path whose name speaks of the truth; there must be none."""
    found = []
    for folder, folders, names in os.walk("/"):
        if folder in {"/proc", "/sys"}:
            folders.clear()
        found += [f"{folder}/{name}" for name in (*folders, *names) if "truth" in name.lower()]
    return found


def devices() -> dict[str, str]:
    """Open each GPU device; say ``ok`` or the name of the error."""
    return {path: outcome(path, os.O_RDWR) for path in sorted(glob.glob("/dev/nvidia*"))}  # noqa: PTH207


def numpy_version() -> str | None:
    """Return numpy's version, to see that the base image's libraries load."""
    try:
        import numpy as np  # noqa: PLC0415
    except ImportError:
        return None
    return str(np.__version__)


def inspect() -> dict[str, object]:
    """Return the whole report."""
    create = os.O_WRONLY | os.O_CREAT
    source = os.environ["SEALRUN_INPUT"]
    own = os.environ["SEALRUN_SUBMISSION"]
    return {
        "interfaces": interfaces(),
        "connect": connection(),
        "status": status(),
        "write": {
            "input": outcome(f"{source}/new.txt", create),
            "submission": outcome(f"{own}/new.txt", create),
            "image": outcome("/app/new.txt", create),
            "output": outcome(f"{os.environ['SEALRUN_OUTPUT']}/inspection.json", create),
            "tmp": outcome("/tmp/probe", create),  # noqa: S108 - what is asked is whether it works
        },
        "truth_paths": truth_paths(),
        "environment": sorted(os.environ),
        "sealrun": {key: value for key, value in os.environ.items() if key.startswith("SEALRUN_")},
        "ids": {"uid": os.getuid(), "euid": os.geteuid(), "gid": os.getgid(), "pid": os.getpid()},
        "groups": os.getgroups(),
        "devices": devices(),
        "mounts": Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines(),
        "hostname": socket.gethostname(),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),  # noqa: PTH208
        "numpy": numpy_version(),
    }


if __name__ == "__main__":
    answers.write()
    report = json.dumps(inspect(), indent=1, sort_keys=True)
    Path(os.environ["SEALRUN_OUTPUT"], "inspection.json").write_text(report + "\n", "utf-8")
