"""What holds for all templates."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

TEMPLATES = Path(str(files("portal"))) / "templates"
ALL = sorted(TEMPLATES.rglob("*.html"))
MACROS = sorted((TEMPLATES / "macros").glob("*.html"))


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_nothing_is_unescaped_or_inline(path: Path) -> None:
    text = path.read_text()

    for forbidden in ("|safe", "| safe", "autoescape", " style=", "<style", "<script>", " onclick"):
        assert forbidden not in text


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.name)
def test_every_control_is_on_the_pattern_page(path: Path) -> None:
    patterns = (TEMPLATES / "patterns.html").read_text()
    text = path.read_text()
    names = re.findall(r"{% macro (\w+)", text)

    # A control that others are made of is shown with them.
    parts = "".join(each.read_text() for each in MACROS).replace("{% macro ", "")
    missing = [
        name
        for name in names
        if not re.search(rf"\b{name}\(", patterns) and not re.search(rf"{{{{? ?{name}\(", parts)
    ]

    assert missing == []


def test_every_page_has_one_main_heading_in_its_template() -> None:
    pages = [path for path in ALL if path.parent.name != "macros" and path.name[0] != "_"]

    counted = {
        path: len(re.findall("<h1", path.read_text()))
        for path in pages
        if path.name not in {"base.html", "overview.html"}
    }

    assert set(counted.values()) == {1}
