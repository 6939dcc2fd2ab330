"""Every row of the catalogue has a test, and every test that names a row names one that exists."""

import re
from pathlib import Path

import pytest

from tests.attacks.catalogue import ATTACKS, WHERE

FOLDER = Path(__file__).parent


def rows_of_tests() -> set[int]:
    """Return the rows that the tests name."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("test_*.py"))
    return {
        int(number)
        for numbers in re.findall(r"\bmark\.attack\(([\d, ]+)\)", text)
        for number in numbers.split(",")
    }


def test_the_rows_are_in_the_order_of_their_numbers() -> None:
    numbers = [attack.number for attack in ATTACKS]
    assert numbers == sorted(set(numbers))
    assert {attack.where for attack in ATTACKS} == set(WHERE)


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert sorted(rows_of_tests()) == [attack.number for attack in ATTACKS]


def test_every_test_here_makes_an_attack(request: pytest.FixtureRequest) -> None:
    others = [
        item.nodeid
        for item in request.session.items
        if FOLDER in item.path.parents
        and item.path != Path(__file__)
        and not list(item.iter_markers("attack"))
    ]

    assert others == []
