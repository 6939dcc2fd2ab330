"""The reference page says what the tables in the code say."""

import re
from pathlib import Path

from scheduler.refusals import SENTENCES
from scheduler.states import STATES

PAGE = (Path(__file__).parents[3] / "docs/reference/scheduler.md").read_text()


def test_the_page_has_the_table_of_states() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \| (\w*) \|$", PAGE, re.MULTILINE)

    assert rows == [
        (word, phase.value, outcome.value if outcome else "")
        for word, (phase, outcome) in STATES.items()
    ]


def test_the_page_explains_each_code_of_a_refusal() -> None:
    codes = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)

    assert set(codes) == {*SENTENCES.values(), "queue_full"}
