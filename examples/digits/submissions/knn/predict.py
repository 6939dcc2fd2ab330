"""k nearest neighbours with numpy; an honest submission of kind code.

The training images lie beside this file, in train.csv and train-truth.csv, as they were published.
"""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np

NEIGHBOURS = 3


def read(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file without its header."""
    with path.open(encoding="ascii") as file:
        return list(csv.reader(file))[1:]


def main() -> None:
    """Read the images, write the predictions."""
    here = Path(__file__).parent
    train = np.array([row[1:] for row in read(here / "train.csv")], dtype=np.int64)
    digits = [int(row[1]) for row in read(here / "train-truth.csv")]
    lines = ["id,digit,confidence"]
    for name, *pixels in read(Path(os.environ["SEALRUN_INPUT"], "images.csv")):
        distances = ((train - np.array(pixels, dtype=np.int64)) ** 2).sum(axis=1)
        # Stable, so that equal distances keep the order of the file on every machine.
        nearest = np.argsort(distances, kind="stable")[:NEIGHBOURS]
        votes = Counter(digits[index] for index in nearest)
        digit, count = votes.most_common(1)[0]
        lines.append(f"{name},{digit},{count / NEIGHBOURS:.3f}")
    output = Path(os.environ["SEALRUN_OUTPUT"], "predictions.csv")
    output.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
