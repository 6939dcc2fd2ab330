"""Collects what came of the rows, prints the table, and writes it where the caller says.

The file is named by SEALRUN_ATTACK_OUTCOMES; without it nothing is written.
"""

import os
from pathlib import Path

import pytest

from tests.attacks.outcomes import MISSING, VARIABLE, Outcomes

ROWS = pytest.StashKey[list[int]]()
OUTCOMES = pytest.StashKey[Outcomes]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = Outcomes()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.user_properties += [
        ("attack", row) for mark in item.iter_markers("attack") for row in mark.args
    ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    outcomes = config.stash[OUTCOMES]
    for word in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(word, []):
            _note(outcomes, report, "failed" if word == "error" else word)
    if path := os.environ.get(VARIABLE):
        outcomes.write(Path(path))
    if any(outcomes.of(row) != MISSING for row in outcomes.rows):
        terminalreporter.section("attacks")
        for line in outcomes.lines():
            terminalreporter.write_line(line)


def _note(outcomes: Outcomes, report: object, word: str) -> None:
    if not isinstance(report, pytest.TestReport):
        return
    for key, row in report.user_properties:
        if key == "attack" and isinstance(row, int):
            outcomes.add(row, report.nodeid.partition("[")[0], word)
