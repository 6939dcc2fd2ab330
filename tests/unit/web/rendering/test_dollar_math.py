"""What is a formula in a page, and what is money."""

import pytest

from portal.web.rendering.dollar_math import MAX_PAGE_FORMULA_CHARS
from portal.web.rendering.markdown import html_of

X = '<math display="inline"><mrow><mi>x</mi></mrow></math>'
SCROLLS = 'class="scroll" role="group" tabindex="0" aria-label="Formula"'
BLOCK = X.replace("inline", "block")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$x$", X),
        ("$x$ is 5", f"{X} is 5"),
        ("*$x$*", f"<em>{X}</em>"),
        ("a ($x$).", f"a ({X})."),
        ("`$x$` and \\$x$", "<code>$x$</code> and $x$"),
        ("a $$x$$ b", f"a <span {SCROLLS}>{BLOCK}</span> b"),
        ("$$x$$ and $$x$$", f"<span {SCROLLS}>{BLOCK}</span> and <span {SCROLLS}>{BLOCK}</span>"),
    ],
)
def test_what_is_between_dollars_is_a_formula(text: str, html: str) -> None:
    assert html_of(text) == f"<p>{html}</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $6",
        "US$ 10 and US$ 20",
        "US$10 or A$20",
        "from $5-$6",
        "$HOME and $PATH",
        "$ x $",
        "$x",
        "$$",
        "5$ or 6$",
    ],
)
def test_money_is_text(text: str) -> None:
    assert html_of(text) == f"<p>{text}</p>\n"


def test_what_cannot_be_converted_is_as_it_was_written() -> None:
    assert html_of(r"$\foo{a}*b*c \{ _d_$") == "<p>$\\foo{a}*b*c \\{ _d_$</p>\n"
    assert html_of("$$\n\\foo *b*\n$$") == '<pre tabindex="0">$$\n\\foo *b*\n$$</pre>\n'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$$x$$", f"<div {SCROLLS}>{BLOCK}</div>\n"),
        ("$$\nx\n$$", f"<div {SCROLLS}>{BLOCK}</div>\n"),
        ("a\n$$\nx\n$$\nb", f"<p>a</p>\n<div {SCROLLS}>{BLOCK}</div>\n<p>b</p>\n"),
        ("> $$\n> x\n> $$", f"<blockquote>\n<div {SCROLLS}>{BLOCK}</div>\n</blockquote>\n"),
        ("- $$x$$\n- b", f"<ul>\n<li>\n<div {SCROLLS}>{BLOCK}</div>\n</li>\n<li>b</li>\n</ul>\n"),
        ("- $$x\n- b$$", "<ul>\n<li>$$x</li>\n<li>b$$</li>\n</ul>\n"),
        ("$$x\n\ny$$", "<p>$$x</p>\n<p>y$$</p>\n"),
    ],
)
def test_a_formula_on_lines_of_its_own_is_a_block(text: str, html: str) -> None:
    assert html_of(text) == html


def test_what_marks_a_list_elsewhere_is_part_of_a_formula() -> None:
    assert "<li>" not in html_of("$$\na\n+ b\n- c\n$$")


def test_a_long_formula_in_a_line_scrolls() -> None:
    assert f"<span {SCROLLS}><math" in html_of(f"a ${'x + ' * 20}y$ b")


def test_a_page_with_more_than_its_share_of_formulas_shows_the_rest_as_written() -> None:
    many = MAX_PAGE_FORMULA_CHARS // 1000 + 1

    html = html_of("\n\n".join(f"${'x' * 1000}$" for _ in range(many)))

    assert html.count("<math") == many - 2
    assert html.count("$") == 4
