"""Formulas that would link, load or run something, and formulas that grow or nest without end."""

import pytest

from portal.web.rendering.formulas import mathml_of
from portal.web.rendering.markdown import html_of

ACTIVE = {
    "link": r"\href{javascript:alert(1)}{x}",
    "style": r"\style{background:url(//elsewhere.example)}{x}",
    "class": r"\class{danger}{x}",
    "character": r"\unicode{3c}script\unicode{3e}",
    "character with an attribute": r'\unicode{3c;"><img src=x onerror=alert(1)>}',
    "colour": r'\color{red" onclick="alert(1)}{x}',
    "text colour": r"\textcolor{url(//elsewhere.example)}{x}",
    "box": r"\colorbox{x}{y}",
    "size": r'\kern{1em" onload="alert(1)}',
    "script": r"\text{<script>alert(1)</script>}",
    "end of the formula": r"\text{</math><img src=x onerror=alert(1)>}",
    "references": r"\text{&lt;script&gt;&#60;img src=x onerror=alert(1)&#62;}",
    "operator": r"\operatorname{<svg onload=alert(1)>}",
    "verbatim": r"\verb|<svg onload=alert(1)>|",
    "annotation": r"\text{<annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml>}",
    "environment": r"\begin{<script>}x\end{<script>}",
    "columns": r'\begin{array}{l" onclick="alert(1)}x\end{array}',
    "macro": r"\def\a{\href{javascript:alert(1)}{x}}\a",
}
MARKS = (
    "<script",
    "<img",
    "<svg",
    "<a ",
    "href=",
    "style=",
    "onclick=",
    "onload=",
    "class=",
    "xml",
)
DOUBLING = "".join(rf"\def\{chr(97 + n)}{{\{chr(98 + n)}\{chr(98 + n)}}}" for n in range(24))
GREEDY = {
    "macros that double": DOUBLING + r"\a",
    "commands that double": r"\newcommand{\a}{\a\a}\a",
    "sides that are written twice": r"\sideset{_1}{_2}{" * 60 + "x" + "}" * 60,
    "braces": "{" * 990 + "x" + "}" * 990,
    "fractions": r"\frac" * 390,
    "roots": r"\sqrt" * 390 + "x",
    "powers": "x^" * 990 + "x",
    "fences": r"\left(" * 140 + "x" + r"\right)" * 140,
    "tables": r"\begin{matrix}" * 60 + "x" + r"\end{matrix}" * 60,
    "texts without an end": r"\text{" * 330,
    "operator without an end": r"\operatorname{" + " " * 1900,
    "length": "x" * 60_000,
}


@pytest.mark.attack(50)
@pytest.mark.parametrize("latex", ACTIVE.values(), ids=ACTIVE)
@pytest.mark.parametrize("dollars", ["$", "$$"])
def test_no_formula_acts(latex: str, dollars: str) -> None:
    html = html_of(f"a\n\n{dollars}{latex}{dollars}")

    tags = [piece.split(">")[0] for piece in html.replace('class="scroll"', "").split("<")[1:]]
    assert not [tag for tag in tags for mark in MARKS if mark in f"<{tag}"]


@pytest.mark.attack(73)
@pytest.mark.parametrize("latex", GREEDY.values(), ids=GREEDY)
def test_a_formula_without_bounds_is_shown_as_it_was_written(latex: str) -> None:
    assert mathml_of(latex, display="block") is None


@pytest.mark.attack(73)
def test_a_formula_is_left_alone_wherever_little_room_is_left_to_nest() -> None:
    def deep(left: int) -> str | None:
        return deep(left - 1) if left else mathml_of(r"\sqrt" * 30 + "x", display="inline")

    for left in range(0, 900, 30):
        result = deep(left)
        assert result is None or result.startswith("<math")
