"""``python -m tests.bench [leaderboard|planning|waits|slurm]``: measure, and print tables. Being slow is no failure."""

import argparse
import os
import sys

from tests.bench import leaderboard, planning, reconcile
from tests.bench.practice import run_on_practice_site
from tests.bench.report import machine
from tests.bench.seeding import SUBMISSIONS

ALL = ["leaderboard", "planning", "waits", "slurm"]


def main() -> int:
    """Run the benchmarks that were asked for; return 0 if they worked, however slow it was."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    # Not a list of choices: before Python 3.12 argparse would refuse the empty one.
    parser.add_argument("which", nargs="?", choices=ALL)
    parser.add_argument("--postgres", action="store_true", help="pages and planning on PostgreSQL")
    parser.add_argument(
        "--submissions", type=int, default=SUBMISSIONS, help="in the leaderboard's challenge"
    )
    parser.add_argument(
        "--requests", type=int, default=leaderboard.REQUESTS, help="for each of its pages"
    )
    options = parser.parse_args()
    which = [options.which] if options.which else ALL
    print(f"On {machine()}.", flush=True)
    if "leaderboard" in which:
        leaderboard.run(
            postgres=options.postgres,
            submissions=options.submissions,
            requests=options.requests,
        )
    if "planning" in which:
        planning.run(postgres=options.postgres)
    code = run_on_practice_site("tests.bench.waits") if "waits" in which else 0
    if "slurm" in which:
        if os.geteuid() == 0:
            return code or reconcile.run()
        print("\nLEFT OUT: slurm, which needs root for a practice site of its own")
    return code


if __name__ == "__main__":
    sys.exit(main())
