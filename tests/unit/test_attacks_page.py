"""The page of the attacks is what the code writes, and has every row of the catalogue."""

import re
from pathlib import Path

from tests.attacks.catalogue import ATTACKS
from tests.attacks.outcomes import Outcomes, gathered
from tests.attacks.page import HEAD, PAGE, written


def test_the_page_has_every_attack_with_its_defence() -> None:
    rows = written(PAGE.read_text(encoding="utf-8"))

    # What was added since the last whole run comes with the next one.
    numbers = {number for number, _, _ in rows}
    known = [(str(one.number), one.attack, one.defence) for one in ATTACKS]
    assert rows == [row for row in known if row[0] in numbers]


def test_the_readme_counts_them_right() -> None:
    readme = (PAGE.parents[2] / "README.md").read_text(encoding="utf-8")

    assert f"each of {len(ATTACKS)} is made for real by `make test-attacks`" in readme


def test_the_page_says_when_and_on_what_the_last_run_was() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.startswith(HEAD)
    assert re.search(r"Last run: \d{4}-\d\d-\d\d, on Slurm [\d.]+ and Apptainer \S+\.", text)
    for one in ATTACKS:
        assert one.cannot in text


def test_outcomes_of_several_runs_are_put_together_by_row(tmp_path: Path) -> None:
    one, two = Outcomes(), Outcomes()
    one.add(3, "a", "passed")
    two.add(3, "b", "failed")
    two.add(4, "c", "passed")
    one.write(tmp_path / "1.json")
    two.write(tmp_path / "2.json")

    assert gathered(tmp_path.glob("*.json")) == {
        3: {"a": ["passed"], "b": ["failed"]},
        4: {"c": ["passed"]},
    }
