from pathlib import Path

import pytest

from site_config.reference import page

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("site", "site-settings.md", id="site"),
        pytest.param("challenge", "challenge-yaml.md", id="challenge"),
    ],
)
def test_the_committed_page_is_current(name, file):
    assert (REFERENCE / file).read_text(encoding="utf-8") == page(name), (
        f"run: python -m site_config.reference {name} > docs/reference/{file}"
    )


def test_a_row_says_key_value_default_and_meaning():
    rows = page("site").splitlines()

    assert "| `port` | whole number, 1 to 65535 | `22` | Port of its SSH server. |" in rows
    assert "| `upload` | size | `20G` | Size of one upload. |" in rows
    assert (
        "| `poll` | duration | `1s` | Pause between two rounds while there is nothing to do; it is shorter otherwise. |"
        in rows
    )
    assert "| `providers` | list, each a block | none | The logins on offer. |" in rows
