"""The table of the reference: what the last run of the suite left, as Markdown."""

import json
from collections.abc import Iterable
from pathlib import Path

from site_config.practice.paths import practice_directory
from tests.faults.faults import FAULTS
from tests.faults.findings import Row
from tests.faults.scenes import MOMENTS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/faults.md"
HEAD = """\
# Faults

What `make test-faults` breaks on a practice site of its own, and what came of it. Each row is a submission
of the example challenge that was at the place named when the fault struck; several go through one fault at
once. Written by `python -m tests.faults --write` from the latest run of each scene in which nothing was wrong, on a machine with
two cores and other work to do: the times are no promise, and a test only checks that each fault has a row for each moment.

*Jobs* counts predicting and scoring, *attempts* how often the portal submitted for them: an attempt more than
jobs is a job that the cluster lost or failed, and that was tried again. *Seconds* are from the end of the fault
until the evaluation had ended; 0 means that it had before. In each row the suite found the same: of each job one
attempt ended, of each attempt at most one Slurm job ran, the score was ingested once and is the right
one, nothing stayed open, and nobody did anything but end the fault.
"""
FOOT = """\

*Slow* means 0.7 seconds late in both directions, *cut* that packets vanish. The disk is a small file system in memory
that holds the portal's whole storage, filled to the last byte. The controller gives up on a request after 5 seconds
(`MessageTimeout`), the portal's grace is 6 and 8 seconds (`grace.submit`, `grace.absent`): with the usual values
what has to wait for a grace waits longer. In the last two rows of a fault the workers' lease is 4 seconds, so that the
second one takes over while the fault lasts.

Not shown: a disk that is full only while the program writes and has room again before the script leaves its mark.
That looks like an error of the program's own, and counts as one.
"""


def record_path() -> Path:
    """Return where the suite leaves its rows: beside the practice sites, so that purging one keeps it."""
    return practice_directory() / "faults.json"


def read_rows() -> list[Row]:
    """Return the rows of the last run."""
    return [Row(**row) for row in json.loads(record_path().read_text(encoding="utf-8"))]


def wanted() -> set[tuple[str, str]]:
    """Return every fault with every moment, as they stand in the first two columns."""
    return {(fault.name, moment) for fault in FAULTS for moment in MOMENTS}


def page(rows: Iterable[Row]) -> str:
    """Return the whole page."""
    return f"{HEAD}\n{_table(sorted(rows, key=_place))}{FOOT}"


def written(text: str) -> set[tuple[str, str]]:
    """Return the first two columns of the rows of a page."""
    cells = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| "))
    return {(first.strip(), second.strip()) for first, second, *_ in cells if first != " fault "}


def _table(rows: Iterable[Row]) -> str:
    lines = ["| fault | moment | ended | jobs | attempts | what was unusual | seconds |"]
    lines.append("|---|---|---|--:|--:|---|--:|")
    lines += [
        f"| {row.fault} | {row.moment} | {row.ended} | {row.jobs} | {row.attempts} "
        f"| {row.what or 'nothing'} | {row.seconds:.1f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _place(row: Row) -> tuple[int, int]:
    names = [fault.name for fault in FAULTS]
    return names.index(row.fault), MOMENTS.index(row.moment)
