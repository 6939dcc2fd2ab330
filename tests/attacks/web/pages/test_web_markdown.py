"""Texts that a parser of Markdown takes seconds for: refused where they come in, and shown as they are."""

import time

import pytest
from markdown_it import MarkdownIt

from portal.web.rendering.markdown import html_of
from site_config.markdown_bounds import excess_of

pytestmark = pytest.mark.attack(73)

# 208 KB: every row but the head is short, and is filled up.
TABLE = "|a" * 500 + "|\n" + "|-" * 500 + "|\n" + "|xxxxxxxxxxxxx\n" * 13_700
HEAVY = {
    "table": TABLE,
    "brackets": "![" * 100_000,
    "brackets in lines": "[a\n" * 60_000,
    "definition written out": f"[a]: /{'x' * 90_000}\n\n" + "[a]" * 30_000,
    "emphasis": "*_" * 100_000,
    "list": "* a\n" * 50_000,
}


def _seconds(render: object, text: str) -> float:
    began = time.perf_counter()
    render(text)  # type: ignore[operator]
    return time.perf_counter() - began


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_a_text_without_bounds_is_not_parsed(text: str) -> None:
    assert excess_of(text)
    assert html_of(text).startswith("<pre")


def test_the_parser_alone_would_take_many_times_as_long() -> None:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    assert _seconds(html_of, TABLE) * 5 < _seconds(parser.render, TABLE)
