"""The pages about symptoms quote what people see word by word: each sentence is in the code or in a template."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("troubleshoot-taking-part.md", "troubleshoot-a-site.md")
PLACES = {"Staff"}
"""Pages that are named there, too."""
ANYTHING = "\0"
"""Stands in a text for what is filled in."""


def texts() -> Iterator[str]:
    for package in ("portal", "scheduler", "site_config"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.JoinedStr):
                    yield "".join(map(part, node.values))
    for file in (ROOT / "portal/templates").rglob("*.html"):
        text = file.read_text("utf-8")
        yield from re.findall(r'"([^"]+)"', text)
        yield re.sub(r"<[^>]+>|\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", ANYTHING, text))


def part(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else ANYTHING


def quoted(page: str) -> list[str]:
    """Return what stands between asterisks in the first column of the tables of a page."""
    cells = re.findall(
        r"^\| (.*?) \|", (ROOT / "docs/how-to" / page).read_text("utf-8"), re.MULTILINE
    )
    return [
        message.replace("`", "")
        for cell in cells
        for message in re.findall(r"(?<!\w)\*([^*]+)\*", cell)
        if message not in PLACES
    ]


@pytest.fixture(scope="module")
def known() -> str:
    return "\n".join(" ".join(text.split()) for text in texts())


@pytest.mark.parametrize("page", PAGES)
def test_each_sentence_that_is_quoted_is_shown_somewhere(page: str, known: str) -> None:
    messages = quoted(page)

    assert len(messages) > 20
    assert [one for one in messages if not re.search(pattern(one), known)] == []


def pattern(message: str) -> str:
    """Return what finds a sentence; dots stand for anything on its line."""
    return ".*?".join(re.escape(piece.strip()) for piece in message.strip(" .").split("..."))


def test_dots_stand_for_what_is_filled_in_and_nothing_else_does() -> None:
    shown = f"Wait {ANYTHING} seconds."

    assert re.search(pattern("Wait ... seconds."), shown)
    assert re.search(pattern("... seconds."), shown)
    assert not re.search(pattern("Wait ... minutes."), shown)
