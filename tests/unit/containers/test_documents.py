"""The pages say what the code does."""

import re
from pathlib import Path

import pytest

from containers.interface import EXIT_CODES
from tests.unit.containers.sealed_run import FLAGS

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "containers.md").read_text()
ISOLATION = (DOCS / "explanation" / "isolation.md").read_text()
INTERFACE = Path(__file__).parents[3] / "containers" / "interface.py"


def test_every_reason_is_documented_with_its_exit_code() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", REFERENCE, re.MULTILINE)

    assert sorted(rows) == sorted((reason.value, str(code)) for reason, code in EXIT_CODES.items())


@pytest.mark.parametrize("flag", [word for word in FLAGS if word.startswith("--")])
def test_every_flag_is_explained(flag: str) -> None:
    assert flag in ISOLATION


def test_every_name_of_a_run_directory_is_documented() -> None:
    listing = INTERFACE.read_text().split("nothing else::")[1].split("``.NAME.part``")[0]
    names = re.findall(r"^    ([a-z.0-9_]+(?:/[a-z]*)?)(?: |$)", listing, re.MULTILINE)

    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in REFERENCE] == []
