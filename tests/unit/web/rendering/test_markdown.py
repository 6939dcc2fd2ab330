"""Organisers' texts cannot act."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.rendering.dollar_math import FORMULA_COST, MAX_PAGE_FORMULA_CHARS
from portal.web.rendering.markdown import TAGS, PicturePlace, html_of, without_title


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


PLACE = PicturePlace(address="/challenges/cells/pictures", folder="pages")


def test_a_picture_of_the_bundle_is_shown_relative_to_its_page() -> None:
    html = html_of('![Two "cells"](../a%20b.png "Under <light>")', pictures=PLACE)

    assert html == (
        '<p><img src="/challenges/cells/pictures/a%20b.png" alt="Two &quot;cells&quot;"'
        ' title="Under &lt;light&gt;" loading="lazy"></p>\n'
    )


@pytest.mark.parametrize(
    "source",
    [
        "https://x.example/a.png",
        "//x.example/a.png",
        "/account",
        "../../etc/passwd",
        "mailto:a@b.example",
    ],
)
def test_of_a_picture_from_elsewhere_only_the_description_is_shown(source: str) -> None:
    assert html_of(f"![What it shows]({source})", pictures=PLACE) == "<p>What it shows</p>\n"


def test_without_a_place_for_pictures_there_are_none() -> None:
    assert html_of("![What it shows](a.png)") == "<p>What it shows</p>\n"


@pytest.mark.parametrize(
    ("fence", "title", "kind"),
    [
        (":::{note}", "Note", "note"),
        ("```{warning} Read this <first>", "Read this &lt;first&gt;", "warning"),
        (":::{seealso}", "See also", "seealso"),
        ("```{admonition} Prizes", "Prizes", "note"),
    ],
)
def test_a_fence_that_names_a_kind_is_a_box(fence: str, title: str, kind: str) -> None:
    html = html_of(f"{fence}\nSome *text* ![a](b.png)\n{fence[:3]}\n", pictures=PLACE)

    assert html.startswith(f'<div class="admonition admonition-{kind}" role="note">')
    assert f'<div class="admonition-title">{title}</div>' in html
    assert "<em>text</em>" in html
    assert 'src="/challenges/cells/pictures/pages/b.png"' in html


def test_another_fence_is_code() -> None:
    for fence in ("```python", "```", ":::", ":::{unknown}", "```{note"):
        html = html_of(f"{fence}\n<b>*x*</b>\n{fence[:3]}\n")
        assert html == '<pre tabindex="0"><code>&lt;b&gt;*x*&lt;/b&gt;\n</code></pre>\n'


def test_headings_in_a_box_are_below_those_of_the_page() -> None:
    assert "<h3>" in html_of("# Page\n\n:::{note}\n# Within\n:::\n")


def test_boxes_in_boxes_end_at_a_depth() -> None:
    text = "end\n"
    for level in range(6):
        text = f"{':' * (3 + level)}{{note}}\n{text}{':' * (3 + level)}\n"

    html = html_of(text)

    assert html.count('role="note"') == 3
    assert "{note}" in html


def test_formulas_in_boxes_count_for_the_page() -> None:
    formula = "$$\n" + "x + " * 200 + "x\n$$\n\n"
    html = html_of(":::{note}\n" + formula * 12 + ":::\n\n" + formula * 20)

    cost = FORMULA_COST + len("x + " * 200 + "x") + 2
    assert html.count("<math") == MAX_PAGE_FORMULA_CHARS // cost
