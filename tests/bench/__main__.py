"""``python -m tests.bench [SUBJECT]``: measure, and print tables. Being slow is no failure."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.practice import run_on_practice_site
from tests.bench.report import machine
from tests.bench.seeding import SUBMISSIONS
from tests.bench.web import idle, leaderboard, uploads
from tests.bench.worker import file_work, planning, reconcile


def main() -> int:
    """Run the benchmarks that were asked for; return 0 if they worked, however slow it was."""
    subjects = _subjects()
    options = _options(list(subjects))
    which = [options.which] if options.which else list(subjects)
    print(f"On {machine()}.", flush=True)
    codes = [subjects[name](options) for name in which]
    return next((code for code in codes if code), 0)


Subject = Callable[[argparse.Namespace], int | None]


def _subjects() -> dict[str, Subject]:
    return {
        "leaderboard": lambda options: leaderboard.run(
            postgres=options.postgres,
            submissions=options.submissions,
            requests=options.requests,
        ),
        "planning": lambda options: planning.run(postgres=options.postgres),
        "uploads": lambda options: uploads.run(
            gigabytes=options.gigabytes, directory=options.directory
        ),
        "files": lambda _: file_work.run(),
        "idle": lambda _: idle.run(),
        "waits": lambda _: run_on_practice_site("tests.bench.waits.measure"),
        "images": lambda _: run_on_practice_site("tests.bench.worker.large_images"),
        "slurm": lambda _: _slurm(),
    }


def _options(subjects: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    # Not a list of choices: before Python 3.12 argparse would refuse the empty one.
    parser.add_argument("which", nargs="?", choices=subjects)
    parser.add_argument("--postgres", action="store_true", help="in place of SQLite")
    parser.add_argument(
        "--submissions", type=int, default=SUBMISSIONS, help="in the leaderboard's challenge"
    )
    parser.add_argument(
        "--requests", type=int, default=leaderboard.REQUESTS, help="for each of its pages"
    )
    parser.add_argument(
        "--gigabytes", type=float, default=uploads.GIGABYTES, help="size of the uploaded file"
    )
    parser.add_argument("--directory", type=Path, help="on the file system of the uploads")
    return parser.parse_args()


def _slurm() -> int:
    if os.geteuid() == 0:
        return reconcile.run()
    print("\nLEFT OUT: slurm, which needs root for a practice site of its own")
    return 0


if __name__ == "__main__":
    sys.exit(main())
