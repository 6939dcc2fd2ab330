"""The reference page explains what the code has names for."""

import re
from pathlib import Path

from scheduler.slurm.refusals import MESSAGES

PAGE = (Path(__file__).parents[3] / "docs/reference/scheduler.md").read_text()


def test_the_page_explains_each_code_of_a_refusal() -> None:
    codes = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)

    assert set(codes) == {*MESSAGES.values(), "queue_full"}
