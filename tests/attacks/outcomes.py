"""What came of the attacks in one run of the tests, and the table of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.catalogue import ATTACKS

VARIABLE = "SEALRUN_ATTACK_OUTCOMES"
"""Names the file to which what came of them is written."""
HELD, BROKEN, LEFT_OUT, MISSING = "held", "NOT HELD", "left out", "not run"


@dataclass
class Outcomes:
    """By row, by test (``FILE::FUNCTION``): how each of its variants ended, in pytest's words."""

    rows: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, row: int, test: str, outcome: str) -> None:
        self.rows.setdefault(row, {}).setdefault(test, []).append(outcome)

    def of(self, row: int) -> str:
        """Return what came of a row: it held only where every test of it was run and passed."""
        words = {word for test in self.rows.get(row, {}).values() for word in test}
        if not words:
            return MISSING
        if words == {"passed"}:
            return HELD
        return BROKEN if "failed" in words else LEFT_OUT

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.rows, indent=1) + "\n", encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """Return the table for a terminal."""
        for attack in ATTACKS:
            yield f"{attack.number:>3}  {self.of(attack.number):<8}  {attack.attack}"
            yield f"{'':15}{attack.defence}"
            yield from (f"{'':15}{told}" for told in self._tests(attack.number))

    def _tests(self, row: int) -> Iterator[str]:
        for test, words in self.rows.get(row, {}).items():
            counts = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
            yield f"{test}: {counts}"


def gathered(paths: Iterable[Path]) -> dict[int, dict[str, list[str]]]:
    """Return the rows of several files of outcomes: one row may have tests in all of them."""
    rows: dict[int, dict[str, list[str]]] = {}
    for path in sorted(paths):
        for row, tests in json.loads(path.read_text(encoding="utf-8")).items():
            rows.setdefault(int(row), {}).update(tests)
    return rows
