"""Every address, asked by everybody, answers as the table in docs/reference/access.md says.

A new address without a row fails; so does a row without an address.
"""

from pathlib import Path

import pytest

from tests.integration.access import table
from tests.integration.access.asking import addresses, asked, called
from tests.integration.access.scene import (
    PEOPLE,
    TOKENS,
    Scene,
    make_scene,
)
from tests.integration.access.table import Key

PAGES, API = "Pages", "The API"
EXPECTED = {PAGES: table.read(PAGES, [*PEOPLE]), API: table.read(API, [*TOKENS])}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene") / "site")


def test_every_address_is_in_the_table_and_every_row_is_an_address() -> None:
    known = [*EXPECTED[PAGES], *EXPECTED[API]]

    assert sorted(known) == sorted(addresses())


@pytest.mark.parametrize("key", EXPECTED[PAGES], ids=" ".join)
def test_a_page_is_open_to_exactly_these_people(key: Key, scene: Scene, tmp_path: Path) -> None:
    answers = tuple(asked(key, who, scene, tmp_path / str(n)) for n, who in enumerate(PEOPLE))

    assert answers == EXPECTED[PAGES][key]


@pytest.mark.parametrize("key", EXPECTED[API], ids=" ".join)
def test_the_api_is_open_to_exactly_these_tokens(key: Key, scene: Scene, tmp_path: Path) -> None:
    answers = tuple(called(key, token, scene, tmp_path / str(n)) for n, token in enumerate(TOKENS))

    assert answers == EXPECTED[API][key]
