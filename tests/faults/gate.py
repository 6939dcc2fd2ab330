"""A gate before and behind ``sbatch``: the test says which call waits there, and for how long.

Inside the site ``sbatch`` is replaced by a script that numbers its calls. Nothing is imitated: it runs
the real one, once, with the same arguments and the same standard input.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.support.patience import until

FOLDER = "/run/gate"
REAL = "/usr/bin/sbatch.real"
SCRIPT = f"""\
#!/bin/sh
cd {FOLDER}
n=1
until mkdir "$n" 2>/dev/null; do n=$((n + 1)); done
while [ -e "before-$n" ]; do sleep 0.02; done
touch "$n/begun"
{REAL} "$@" > "$n/answer" 2> "$n/error"
code=$?
touch "$n/ended"
while [ -e "after-$n" ]; do sleep 0.02; done
cat "$n/answer"
cat "$n/error" >&2
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of one running site, whose root directory is ``root`` as seen from outside."""

    root: Path

    @classmethod
    def built(cls, root: Path) -> "Gate":
        """Put the script in the place of ``sbatch``."""
        gate = cls(root)
        gate._folder.mkdir()
        gate._folder.chmod(0o1777)
        sbatch, real = root / "usr/bin/sbatch", root / REAL.lstrip("/")
        sbatch.rename(real)
        sbatch.write_text(SCRIPT, encoding="ascii")
        sbatch.chmod(0o755)
        return gate

    @property
    def _folder(self) -> Path:
        return self.root / FOLDER.lstrip("/")

    def calls(self) -> int:
        """Return how many calls of ``sbatch`` there were."""
        return sum(path.is_dir() for path in self._folder.iterdir())

    def hold(self, number: int, *, place: str) -> None:
        """Let call ``number`` wait ``before`` or ``after`` the real ``sbatch``."""
        (self._folder / f"{place}-{number}").touch()

    def release(self, number: int) -> None:
        for place in ("before", "after"):
            (self._folder / f"{place}-{number}").unlink(missing_ok=True)

    def wait_called(self, number: int) -> None:
        self._wait(number, "")

    def wait_begun(self, number: int) -> None:
        self._wait(number, "begun")

    def wait_ended(self, number: int) -> None:
        self._wait(number, "ended")

    def _wait(self, number: int, mark: str) -> None:
        there = self._folder / str(number) / mark
        until(there.exists, pause=0.02, what=f"call {number} of sbatch did not come to {mark!r}")
