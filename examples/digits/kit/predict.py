"""A start: name the digit whose mean image is nearest. Replace `answer` with something better.

Pack this file, train.csv and train-truth.csv into a zip (without a folder around them) and submit it.
To try it here: SEALRUN_INPUT=sample/input SEALRUN_OUTPUT=. python3 predict.py
"""

import csv
import os
from pathlib import Path

import numpy as np


def read(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file without its header."""
    with path.open(encoding="ascii") as file:
        return list(csv.reader(file))[1:]


def learn(folder: Path) -> np.ndarray:
    """Return the mean image of each digit."""
    images = np.array([row[1:] for row in read(folder / "train.csv")], dtype=float)
    digits = np.array([int(row[1]) for row in read(folder / "train-truth.csv")])
    return np.array([images[digits == digit].mean(axis=0) for digit in range(10)])


def answer(means: np.ndarray, pixels: np.ndarray) -> tuple[int, float]:
    """Return the digit and how sure we are of it, from 0 to 1."""
    distances = ((means - pixels) ** 2).sum(axis=1)
    best, second = np.argsort(distances)[:2]
    return int(best), float(distances[second] / (distances[best] + distances[second]))


def main() -> None:
    """Read the images, write the predictions."""
    means = learn(Path(__file__).parent)
    lines = ["id,digit,confidence"]
    for name, *pixels in read(Path(os.environ["SEALRUN_INPUT"], "images.csv")):
        digit, confidence = answer(means, np.array(pixels, dtype=float))
        lines.append(f"{name},{digit},{confidence:.3f}")
    output = Path(os.environ["SEALRUN_OUTPUT"], "predictions.csv")
    output.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
