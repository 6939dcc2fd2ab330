"""A machine to set something up on: this one, with everything that is changed kept apart and thrown away.

Its root is an overlay over this machine's in a mount namespace of its own, so that accounts, files in
/etc and directories anywhere can be made as a document says. It shares processes and network.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.demo.account import CHECKOUT

_MAKE = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir -p "$1/upper/var/lib" "$1/work" "$1/root"
# A file that is missing in an overlay: practice sites come and go below it meanwhile.
mknod "$1/upper/var/lib/sealrun" c 0 0
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for folder in proc sys dev; do mount --rbind "/$folder" "$1/root/$folder"; done
for folder in tmp var/tmp; do
    mount -t tmpfs -o mode=1777 tmpfs "$1/root/$folder"
done
shift_to=$1; shift
for path in "$@"; do
    [ -e "$shift_to/root$path" ] || { mkdir -p "$shift_to/root$path"; mount --rbind "$path" "$shift_to/root$path"; }
    # Whoever is to run it may pass: on this machine alone it lies behind a closed directory.
    way=$path
    while [ "$way" != / ]; do way=$(dirname "$way"); chmod a+x "$shift_to/root$way"; done
done
# Not before this is its root: whoever enters earlier would be on the machine itself.
exec chroot "$shift_to/root" sh -c 'echo ready; exec sleep infinity'
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """Runs shell scripts on it."""

    process: int

    def run(
        self, script: str, *, user: str = "", timeout: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script as root or as a user, in that one's home and with nothing else in its environment."""
        return subprocess.run(
            self.argv(script, user=user),
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def argv(self, script: str, *, user: str = "") -> list[str]:
        """Return the command that runs a script there."""
        become = ["setpriv", f"--reuid={user}", "--init-groups", "--no-new-privs"] if user else []
        if user:
            become[2:2] = [f"--regid={self.group_of(user)}"]
        home = self._out(f"getent passwd {user or 'root'} | cut -d: -f6")
        environment = (
            *(f"HOME={home}", f"USER={user or 'root'}", f"PYTHONPATH={CHECKOUT}"),
            *(
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8",
            ),
        )
        start = f"cd {home} 2>/dev/null || cd /\n{script}"
        return [*self._enter(), "env", "-i", *environment, *become, "bash", "-ec", start]

    def group_of(self, user: str) -> str:
        """Return the number of a user's first group."""
        return self._out(f"id -g {user}")

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.process}", "--mount", "--root", "--wdns=/"]

    def _out(self, command: str) -> str:
        argv = [*self._enter(), "sh", "-c", command]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()


@contextmanager
def machine() -> Iterator[Machine]:
    """Make one, and throw it away at the end. As root."""
    with tempfile.TemporaryDirectory(prefix="sealrun-machine-", dir="/var/tmp") as folder:
        argv = ["unshare", "--mount", "sh", "-c", _MAKE, "sh", folder]
        argv += [
            str(path) for path in (CHECKOUT, Path(sys.prefix).resolve(), Path(sys.base_prefix))
        ]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == "ready\n"
                yield Machine(process.pid)
            finally:
                process.kill()
