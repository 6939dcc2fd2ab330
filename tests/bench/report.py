"""What a benchmark prints: the machine, tables, and where a value stands among the others."""

import math
import os
import platform
import statistics
from collections.abc import Sequence


def machine() -> str:
    """Say what the numbers depend on besides the portal."""
    return (
        f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_and_worst(name: str, values: Sequence[float]) -> list[str]:
    """Return a row of a table of seconds."""
    return [name, f"{statistics.median(values):.2f}", f"{max(values):.2f}"]


def print_table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the heading first: words to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        first, *rest = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *rest]), flush=True)
