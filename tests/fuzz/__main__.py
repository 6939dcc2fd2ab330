"""Fuzz all readers of foreign bytes: ``make fuzz`` for a minute, ``make fuzz ARGS=600`` for ten.

What makes a reader fail, hang or take too much memory stays in ``var/fuzz``; the exit code is 1.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

_ALL_SECONDS = 60
_MEMORY_MIB = 2048
_ONE_INPUT_SECONDS = 20
_CRASHES = Path("var/fuzz")


def main() -> int:
    """Fuzz each target for its share of the time; return the exit code."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else _ALL_SECONDS
    _CRASHES.mkdir(parents=True, exist_ok=True)
    failed = [name for name in TARGETS if not fuzz(name, max(1, seconds // len(TARGETS)))]
    for name in failed:
        print(f"{name}: failed; the input is {_CRASHES}/{name}-*")
    return 1 if failed else 0


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target; return whether it stood."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[name]):
            (Path(corpus) / str(number)).write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz.one", name]
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={_ONE_INPUT_SECONDS}",
            f"-rss_limit_mb={_MEMORY_MIB}",
            f"-max_len={max(map(len, SEEDS[name])) * 2 + 64}",
            f"-artifact_prefix={_CRASHES}/{name}-",
        ]
        done = subprocess.run(
            [*command, *limits, corpus], capture_output=True, text=True, check=False
        )
    lines = done.stderr.splitlines()
    runs = next((line for line in reversed(lines) if line.startswith("Done ")), "")
    print(f"{name}: {runs or 'ended with ' + str(done.returncode)}", flush=True)
    if done.returncode:
        print("\n".join((done.stdout.splitlines() + lines)[-40:]))
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
