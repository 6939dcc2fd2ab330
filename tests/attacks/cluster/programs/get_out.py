"""Tries to get out, and prints what came of each attempt as JSON. Runs outside a container as well.

``get_out.py HOST PORT INPUT CANARY``: a host with listeners on the port, a directory to be changed, and the
name of a file that belongs to somebody else.
"""

import errno
import glob
import json
import os
import socket
import subprocess
import sys

SOCKETS = (
    "/run/munge/munge.socket.2",
    "/run/slurm/sack.socket",
    "/run/slurmctld/sack.socket",
    "/run/dbus/system_bus_socket",
)
SKIPPED = {"proc", "sys", "dev"}


def attempt(family, kind, address):
    with socket.socket(family, kind) as client:
        client.settimeout(3)
        try:
            client.connect(address)
            if kind == socket.SOCK_DGRAM:
                client.send(b"question")
                client.recv(100)
        except OSError as error:
            return errno.errorcode.get(error.errno, type(error).__name__)
        return "reached"


def resolve(name):
    try:
        return "reached" if socket.gethostbyname(name) else "nothing"
    except OSError as error:
        return type(error).__name__


def daemons():
    return [
        path for path in SOCKETS if attempt(socket.AF_UNIX, socket.SOCK_STREAM, path) == "reached"
    ]


def submit():
    line = os.environ.get("SBATCH_LINE") or sys.argv[5]
    line += " --account=challenges --qos=challenge --partition=build --mem=50M --output=/dev/null --wrap=true"
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.strip() or done.stderr.strip()


def found(name):
    """Look for a file by its name, also through the doors that /proc offers."""
    for start in ("/", "/proc/1/root", "/proc/1/cwd", "/input/.."):
        for folder, folders, names in os.walk(start):
            if folder == start:
                folders[:] = [one for one in folders if one not in SKIPPED]
            if name in names or name in folders:
                return True
    return False


def write(path):
    try:
        with open(path, "a"):
            return "written"
    except OSError as error:
        return errno.errorcode[error.errno]


def devices():
    answers = {}
    for path in sorted(glob.glob("/dev/nvidia[0-9]")):
        try:
            os.close(os.open(path, os.O_RDWR))
            answers[path] = "opened"
        except OSError as error:
            answers[path] = errno.errorcode[error.errno]
    return answers


host, port, place, canary = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
print(
    json.dumps(
        {
            "tcp": attempt(socket.AF_INET, socket.SOCK_STREAM, (host, port)),
            "loopback": attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)),
            "udp": attempt(socket.AF_INET, socket.SOCK_DGRAM, (host, port)),
            "name": resolve("ctl"),
            "abstract": attempt(socket.AF_UNIX, socket.SOCK_STREAM, f"\0sealrun-{port}"),
            "daemons": daemons(),
            "sbatch": submit(),
            "secrets": sorted(n for n, value in os.environ.items() if "hunter2" in value),
            "planted": os.path.exists("/planted"),
            "canary": found(canary),
            "truth": found("truth.csv"),
            "input": [write(f"{place}/cells.txt"), write(f"{place}/new.txt")],
            "devices": devices(),
        }
    )
)
