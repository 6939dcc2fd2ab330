"""The page of the attacks: what the last whole run left, as Markdown."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from site_config.practice.paths import practice_directory
from tests.attacks.catalogue import ATTACKS
from tests.attacks.outcomes import Outcomes

PAGE = Path(__file__).resolve().parents[2] / "docs/security/attacks.md"
HEAD = """\
# Attacks that must fail

What `make test-attacks` tries on a practice site of its own, in Chromium and over HTTP, and what came of it. Each row is at
least one test that really makes the attempt. Where it is safe, the test first shows that the same attempt works
without the defence: the same listener reached from outside the container, the same file read by the site's own account,
the same program without the flag. Written by `python -m tests.attacks --write` from the latest run of each test; a test
checks that each row of the catalogue is here.

*Held* means that every test of the row passed. What is not defended at all is in the
[threat model](../explanation/threat-model.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run: its day (ISO 8601), the releases of Slurm and Apptainer, and what came of the rows."""

    day: str
    slurm: str
    apptainer: str
    rows: dict[int, dict[str, list[str]]]


def record_path() -> Path:
    """Return where a run leaves its record: beside the practice sites."""
    return practice_directory() / "attacks.json"


def write_record(record: Record) -> None:
    record_path().write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def read_record() -> Record:
    """Return the record of the last run."""
    found = json.loads(record_path().read_text(encoding="utf-8"))
    return Record(**found | {"rows": {int(row): tests for row, tests in found["rows"].items()}})


def merged(earlier: Record, later: Record) -> Record:
    """Return the later record, with the earlier outcomes of tests that were not run again.

    Another release of Slurm or Apptainer begins anew.
    """
    if (earlier.slurm, earlier.apptainer) != (later.slurm, later.apptainer):
        return later
    rows = {
        row: earlier.rows.get(row, {}) | later.rows.get(row, {})
        for row in {*earlier.rows, *later.rows}
    }
    return replace(later, rows=rows)


def page(record: Record) -> str:
    """Return the whole page."""
    return "\n".join([HEAD, _run(record), "", *_table(record), *_cannot()]) + "\n"


def written(text: str) -> list[tuple[str, str, str]]:
    """Return number, attack and defence of the rows of a page."""
    cells = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| "))
    return [
        (one.strip(), two.strip(), three.strip()) for one, two, three, *_ in cells if one != " # "
    ]


def _run(record: Record) -> str:
    return f"Last run: {record.day}, on Slurm {record.slurm} and Apptainer {record.apptainer}."


def _table(record: Record) -> Iterator[str]:
    outcomes = Outcomes(record.rows)
    yield "| # | attack | defence | tests | outcome |"
    yield "|--:|---|---|---|---|"
    for attack in ATTACKS:
        tests = "<br>".join(_test(name) for name in sorted(record.rows.get(attack.number, {})))
        outcome = outcomes.of(attack.number) + (", in part" if attack.cannot else "")
        yield f"| {attack.number} | {attack.attack} | {attack.defence} | {tests} | {outcome} |"


def _test(name: str) -> str:
    file, _, function = name.partition("::")
    return f"[{function.removeprefix('test_').replace('_', ' ')}](../../{file})"


def _cannot() -> Iterator[str]:
    for attack in ATTACKS:
        if attack.cannot:
            yield f"\n## What row {attack.number} cannot show here\n\n{attack.cannot}"
