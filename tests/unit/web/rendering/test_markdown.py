"""Organisers' texts cannot act."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.rendering.markdown import TAGS, html_of, without_title


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,AAAA)",
        "[a](vbscript:x)",
        "![a](https://elsewhere.example/pixel.png)",
        "<https://a.example/' onmouseover='alert(1)>",
        '[a](https://a.example "onclick=alert(1)")',
        "```\n</code></pre><script>alert(1)</script>\n```",
        "<style>*{display:none}</style>",
        "<iframe src=//evil.example></iframe>",
        "<a href=/ target=_blank>x</a>",
        r"$\text{<script>alert(1)</script>}$",
        "$<img src=x onerror=alert(1)>$",
        r"$$\text{</math><script>alert(1)</script>}$$",
    ],
)
def test_an_attack_becomes_text(attack: str) -> None:
    html = html_of(attack)

    for active in ("<script", "<img", "<iframe", "<style", "<a href=/ ", "<a target"):
        assert active not in html.lower()
    for scheme in ("javascript", "data", "vbscript"):
        assert f'href="{scheme}' not in html.lower()


@given(st.text(alphabet="<>\"'=/ []()!#|-`\nahrefscipton:$\\{}^_&", max_size=80))
def test_whatever_is_written_only_known_tags_come_out(text: str) -> None:
    html = html_of(text)

    for piece in html.split("<")[1:]:
        tag = piece.lstrip("/").split(">")[0].split()[0]
        assert tag in TAGS


def test_headings_start_below_the_pages_own() -> None:
    assert html_of("# A\n\n## B\n\n# C") == "<h2>A</h2>\n<h3>B</h3>\n<h2>C</h2>\n"
    assert html_of("### A") == "<h2>A</h2>\n"


def test_a_table_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    html = html_of("| a | b |\n|---|--:|\n| 1 | 2 |")

    assert html.startswith('<div class="scroll" role="group" tabindex="0" aria-label="Table">')
    assert '<th data-align="right" scope="col">b</th>' in html


def test_links_tell_strangers_nothing() -> None:
    assert html_of("[a](https://b.example)") == (
        '<p><a href="https://b.example" rel="noopener noreferrer">a</a></p>\n'
    )


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("# Read the digits\n\nText", "\nText"),
        ("\n# overview\nText", "Text"),
        ("# Another\nText", "# Another\nText"),
        ("Overview\nText", "Overview\nText"),
    ],
)
def test_a_heading_that_repeats_the_title_is_dropped(text: str, rest: str) -> None:
    assert without_title(text, ["Read the digits", "Overview"]) == rest


def test_a_text_beyond_the_bounds_is_shown_as_it_was_written() -> None:
    table = "|a" * 200 + "|\n" + "|-" * 200 + "|\n" + "|<x>\n" * 200

    html = html_of(table)

    assert html.startswith('<pre tabindex="0">|a|a')
    assert "<td" not in html
    assert "|&lt;x&gt;" in html
