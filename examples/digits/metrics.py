"""The scores, computed straight from their definitions.

This is the organiser's second opinion: `build.py` writes the expected scores with it, and the tests
compare the scorer image with them. It shares no code with the scorer on purpose.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from examples.digits.dataset import Image

Answers = Mapping[str, tuple[int, str]]
"""Image id to the digit and the confidence, as it is written in the predictions."""


def score(truth: Sequence[Image], answers: Answers) -> dict[str, float]:
    """Return the three scores, rounded to six decimals like the scorer's."""
    right = {image.id: answers[image.id][0] == image.digit for image in truth}
    squares = [(Fraction(answers[name][1]) - ok) ** 2 for name, ok in right.items()]
    f1 = [_f1(truth, answers, digit) for digit in range(10)]
    exact = {
        "accuracy": Fraction(sum(right.values()), len(truth)),
        "macro_f1": sum(f1, Fraction()) / 10,
        "brier": sum(squares, Fraction()) / len(truth),
    }
    return {key: round(float(value), 6) for key, value in exact.items()}


def predictions_csv(answers: Answers) -> str:
    """Return the answers as the file that a submission hands over."""
    rows = (f"{name},{digit},{confidence}" for name, (digit, confidence) in answers.items())
    return "\n".join(["id,digit,confidence", *rows]) + "\n"


def _f1(truth: Sequence[Image], answers: Answers, digit: int) -> Fraction:
    shown = {image.id for image in truth if image.digit == digit}
    named = {image.id for image in truth if answers[image.id][0] == digit}
    return Fraction(2 * len(shown & named), max(1, len(shown) + len(named)))
