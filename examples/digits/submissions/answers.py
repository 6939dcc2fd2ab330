"""Valid predictions that know nothing: put beside every submission that misbehaves.

An attack that works must be seen. It then writes these, the evaluation is scored instead of failed,
and the test that expected a failure says so.
"""

import csv
import os
from pathlib import Path


def write(*, digit: str = "0", confidence: str = "0.5") -> None:
    """Answer every image alike."""
    with Path(os.environ["SEALRUN_INPUT"], "images.csv").open(encoding="ascii") as file:
        names = [row[0] for row in csv.reader(file)][1:]
    lines = ["id,digit,confidence", *(f"{name},{digit},{confidence}" for name in names)]
    output = Path(os.environ["SEALRUN_OUTPUT"], "predictions.csv")
    output.write_text("\n".join(lines) + "\n", encoding="ascii")
