"""Formulas in pages: MathML that looks as in print, or the text as it was written."""

# ruff: noqa: RUF001 - letters that look alike are what a formula has
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.rendering.formulas import ELEMENTS, MAX_FORMULA_CHARS, mathml_of


def _inside(latex: str, display: str = "inline") -> str | None:
    """Return what is inside of the outermost row of the formula."""
    mathml = mathml_of(latex, display=display)
    if mathml is None:
        return None
    opening, closing = f'<math display="{display}"><mrow>', "</mrow></math>"
    assert mathml.startswith(opening)
    assert mathml.endswith(closing)
    return mathml.removeprefix(opening).removesuffix(closing)


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("a*b*c", "<mi>a</mi><mo>*</mo><mi>b</mi><mo>*</mo><mi>c</mi>"),
        (
            "x_{i}^{*}",
            "<msubsup><mi>x</mi><mrow><mi>i</mi></mrow><mrow><mo>*</mo></mrow></msubsup>",
        ),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"\mathcal{L}", "<mi>ℒ</mi>"),
        (r"\bm{\alpha}", "<mrow><mi>𝜶</mi></mrow>"),
        (r"\mathbb{1}", "<mrow><mn>𝟙</mn></mrow>"),
        (r"\mathbf{xy}", "<mrow><mi>𝐱</mi><mi>𝐲</mi></mrow>"),
        (r"\mathfrak{C}", "<mi>ℭ</mi>"),
        (r"\mathrm{F1}", '<mrow><mi mathvariant="normal">F</mi><mn>1</mn></mrow>'),
        (r"\mathrm{d}x", '<mi mathvariant="normal">d</mi><mi>x</mi>'),
        (r"\text{if } x", "<mtext>if\xa0</mtext><mi>x</mi>"),
        (r"x \sim p", "<mi>x</mi><mo>∼</mo><mi>p</mi>"),
        (r"\log x", '<mi>log</mi><mspace width="0.167em"></mspace><mi>x</mi>'),
        (r"\max_x", '<munder><mo movablelimits="true">max</mo><mi>x</mi></munder>'),
        (r"a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"50\%", "<mn>50</mn><mi>%</mi>"),
    ],
)
def test_a_formula_becomes_mathml(latex: str, mathml: str) -> None:
    assert _inside(latex) == mathml


def test_lines_that_a_block_breaks_are_rows() -> None:
    assert _inside(r"a \\ b", "block") == (
        '<mtable displaystyle="true"><mtr><mtd><mi>a</mi></mtd></mtr><mtr><mtd><mi>b</mi></mtd></mtr></mtable>'
    )
    assert _inside(r"a \\ b") is None


def test_aligned_equations_and_cases_are_tables() -> None:
    aligned = _inside(r"\begin{aligned} a &= b \end{aligned}", "block")
    cases = _inside(r"\begin{cases} 1 \\ 0 \end{cases}")

    assert aligned == (
        '<mtable displaystyle="true"><mtr><mtd columnalign="right"><mi>a</mi></mtd>'
        '<mtd columnalign="left"><mi></mi><mo>=</mo><mi>b</mi></mtd></mtr></mtable>'
    )
    assert cases is not None
    assert cases.count("<mtr>") == 2


@pytest.mark.parametrize(
    "latex",
    [
        "",
        " ",
        r"\foo{a}",
        "x^a^b",
        r"\frac{a}",
        "x_",
        r"\overset{a}",
        r"\left( a",
        "{a",
        "a}",
        "100% sure",
        "a & b",
        "#1",
        r"\text{a {b} c}",
        r"\begin{tabular}a\end{tabular}",
        r"\begin{cases} a",
        r"\begin{array}{l|l} a & b \end{array}",
    ],
)
def test_what_cannot_be_converted_whole_is_not_converted(latex: str) -> None:
    assert mathml_of(latex, display="inline") is None


@given(
    st.lists(
        st.sampled_from(
            [
                r"\frac",
                r"\text{",
                r"\left(",
                r"\right)",
                r"\begin{cases}",
                r"\end{cases}",
                r"\sqrt",
                r"\mathbb",
                r"\href",
                r"\style{",
                r"\class{",
                r"&",
                r"\\",
                r"{",
                r"}",
                r"^",
                r"_",
                r"x",
                r"1",
                r"<",
                r">",
                r'"',
                r"'",
                r"=",
                r"#",
                r"&#60;",
                r"&lt;",
                r"\operatorname{",
                r"\sum",
                r"\limits",
                r"\color{red}",
                r"on",
            ]
        ),
        max_size=14,
    )
)
def test_whatever_is_written_only_known_elements_come_out(parts: list[str]) -> None:
    mathml = mathml_of(" ".join(parts), display="block") or ""

    for tag in re.findall(r"<([^>]*)>", mathml):
        name, *_ = tag.lstrip("/").split()
        attributes = set(re.findall(r' ([^ =]+)="[A-Za-z0-9.+ -]*"', tag))
        assert attributes <= ELEMENTS[name]
        assert tag.count('"') == 2 * tag.count("=") == 2 * len(attributes)


def test_a_formula_of_some_length_is_converted_and_a_longer_one_is_not() -> None:
    assert mathml_of("x" * MAX_FORMULA_CHARS, display="inline")
    assert mathml_of("x" * (MAX_FORMULA_CHARS + 1), display="inline") is None
