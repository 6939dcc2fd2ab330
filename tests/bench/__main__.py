"""``python -m tests.bench [leaderboard|waits]``: measure, and print tables. Being slow is no failure."""

import argparse
import sys

from tests.bench import leaderboard
from tests.bench.practice import run_on_practice_site
from tests.bench.report import machine


def main() -> int:
    """Run the benchmarks that were asked for; return 0 if they worked, however slow it was."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    # Not a list of choices: before Python 3.12 argparse would refuse the empty one.
    parser.add_argument("which", nargs="?", choices=["leaderboard", "waits"])
    parser.add_argument("--postgres", action="store_true", help="the leaderboard on PostgreSQL")
    options = parser.parse_args()
    which = [options.which] if options.which else ["leaderboard", "waits"]
    print(f"On {machine()}.", flush=True)
    if "leaderboard" in which:
        leaderboard.run(postgres=options.postgres)
    return run_on_practice_site("tests.bench.waits") if "waits" in which else 0


if __name__ == "__main__":
    sys.exit(main())
