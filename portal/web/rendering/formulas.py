"""LaTeX formulas as MathML that cannot act: known commands go in, and only known elements come out."""

import html
import re
import unicodedata
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from latex2mathml import commands
from latex2mathml.converter import convert_to_element
from latex2mathml.symbols_parser import convert_symbol
from markdown_it.common.utils import escapeHtml

MAX_FORMULA_CHARS = 2000
MAX_DEPTH = 40
"""Elements within each other. Browsers lay them out by recursion."""

_SCRIPTS = {"accent", "accentunder"}
_OPERATOR = {
    "accent", "fence", "form", "largeop", "lspace", "maxsize", "minsize", "movablelimits", "rspace",
    "separator", "stretchy",
}  # fmt: skip
ELEMENTS = {
    "math": {"display"},
    "mfrac": {"linethickness"},
    "mi": {"mathvariant"},
    "mn": set[str](),
    "mo": _OPERATOR,
    "mover": _SCRIPTS,
    "mpadded": {"depth", "height", "width"},
    "mphantom": set[str](),
    "mroot": set[str](),
    "mrow": set[str](),
    "mspace": {"width"},
    "msqrt": set[str](),
    "mstyle": {"displaystyle", "scriptlevel"},
    "msub": set[str](),
    "msubsup": set[str](),
    "msup": set[str](),
    "mtable": {"displaystyle"},
    "mtd": {"columnalign"},
    "mtext": set[str](),
    "mtr": set[str](),
    "munder": _SCRIPTS,
    "munderover": _SCRIPTS,
}
"""Elements of MathML that pages may hold, each with its attributes. None can link, load or run anything."""

_CHILDREN = {
    "mfrac": 2, "mover": 2, "mroot": 2, "msub": 2, "msubsup": 3, "msup": 2, "munder": 2, "munderover": 3
}  # fmt: skip
"""How many children these must have: the library makes less of a formula that is not complete."""

_PASSED_OVER = {"columnspacing", "rowspacing", "xmlns"}
"""Attributes that MathML Core has no use for."""

# Commands that are no symbols. Those that define others, or that write an argument more than once, grow
# without bound: they are left out, as are those that link, colour, or name characters and styles.
_COMMANDS = frozenset(
    [
        "Big",
        "Bigg",
        "Biggl",
        "Biggr",
        "Bigl",
        "Bigr",
        "Pr",
        "acute",
        "argmax",
        "argmin",
        "bar",
        "begin",
        "big",
        "bigg",
        "biggl",
        "biggr",
        "bigl",
        "bigr",
        "binom",
        "bm",
        "bmod",
        "boldsymbol",
        "breve",
        "cfrac",
        "check",
        "dbinom",
        "ddot",
        "det",
        "dfrac",
        "displaystyle",
        "dot",
        "end",
        "frac",
        "gcd",
        "grave",
        "hat",
        "left",
        "liminf",
        "limits",
        "limsup",
        "mathbb",
        "mathbf",
        "mathcal",
        "mathfrak",
        "mathit",
        "mathrm",
        "mathscr",
        "mathsf",
        "mathtt",
        "mbox",
        "middle",
        "mod",
        "nolimits",
        "not",
        "operatorname",
        "overbrace",
        "overleftarrow",
        "overline",
        "overrightarrow",
        "overset",
        "phantom",
        "pmod",
        "qquad",
        "quad",
        "right",
        "sqrt",
        "stackrel",
        "substack",
        "tbinom",
        "text",
        "textbf",
        "textit",
        "textrm",
        "textsf",
        "textstyle",
        "texttt",
        "tfrac",
        "tilde",
        "underbrace",
        "underline",
        "underset",
        "vec",
        "widehat",
        "widetilde",
    ]
)
_ENVIRONMENTS = frozenset(
    [
        "Bmatrix",
        "Vmatrix",
        "align*",
        "array",
        "bmatrix",
        "cases",
        "matrix",
        "pmatrix",
        "smallmatrix",
        "split",
        "vmatrix",
    ]
)
_ALIGNED = re.compile(r"\\(begin|end)\s*\{(?:align|aligned|gather\*?|gathered)\}")

_TAKES_LIMITS = {"lim", "inf", "sup", "max", "min", "argmax", "argmin"}
_WITH_LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_UPRIGHT = re.compile(r"\\mathrm\s*\{([A-Za-z])\}")

_COMMAND = re.compile(r"\\([A-Za-z]+)")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]*)\}")
_ESCAPED = re.compile(r"\\[^A-Za-z]")
_NESTED_TEXT = re.compile(r"\\(?:text[a-z]*|mbox)\s*\{[^{}]*\{")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9.+ -]*")


class _NotConvertedError(Exception):
    """The formula holds what pages cannot show."""


def mathml_of(latex: str, *, display: str) -> str | None:
    """Return the formula as MathML, with ``display`` "block" or "inline"; nothing for what cannot be converted.

    Whatever it is, it is shown whole or not at all: no part of a formula is passed over.
    """
    try:
        return _converted(latex, display)
    except Exception:  # noqa: BLE001 - the library has a dozen kinds of error for foreign text, without a common base
        return None


def _converted(latex: str, display: str) -> str:
    latex = _ALIGNED.sub(r"\\\1{align*}", latex)
    # Of one letter in braces the library forgets that it is upright.
    latex = _UPRIGHT.sub(r"\\mathrm \1 ", latex)
    _check(latex)
    math = convert_to_element(latex, display=display)
    if display == "block":
        _break_lines(math[0])
    return "".join(_written(math, depth=1))


def _check(latex: str) -> None:
    """Raise ``_NotConvertedError`` for what the library would pass over, misread, or take long for."""
    plain = _ESCAPED.sub("", latex)
    is_bad = (
        len(latex) > MAX_FORMULA_CHARS
        or not latex.strip()
        or not _is_balanced(plain)
        or "%" in plain
        or ("&" in plain and "\\begin" not in plain)
        or "&#" in latex
        or "#" in plain
        or _NESTED_TEXT.search(plain)
        or not all(_is_known(name) for name in _COMMAND.findall(plain))
        or not _ENVIRONMENTS.issuperset(_ENVIRONMENT.findall(plain))
    )
    if is_bad:
        raise _NotConvertedError


def _is_known(name: str) -> bool:
    command = f"\\{name}"
    return (
        name in _COMMANDS
        or convert_symbol(command) is not None
        or command in commands.FUNCTIONS
        or command in commands.LIMIT
    )


def _is_balanced(plain: str) -> bool:
    depth = 0
    for char in plain:
        depth += (char == "{") - (char == "}")
        if not 0 <= depth <= MAX_DEPTH:
            return False
    return depth == 0


def _break_lines(row: Element) -> None:
    r"""Make a table of the lines that ``\\`` ends, as MathML Core knows no line breaks."""
    lines = [Element("mtd")]
    for child in row:
        if child.get("linebreak") == "newline":
            lines.append(Element("mtd"))
        else:
            lines[-1].append(child)
    if len(lines) == 1:
        return
    table = Element("mtable", displaystyle="true")
    for line in filter(len, lines):
        lined = Element("mtr")
        lined.append(line)
        table.append(lined)
    row[:] = [table]


def _written(element: Element, *, depth: int) -> Iterator[str]:
    """Yield the element as HTML. The library's own writer undoes the escaping of what people wrote."""
    if depth > MAX_DEPTH:
        raise _NotConvertedError
    text = html.unescape(element.text or "")
    tag = element.tag
    if tag == "mi" and text == "~":
        tag, text = "mo", "\N{TILDE OPERATOR}"
    if tag in _WITH_LIMITS and element[0].text in _TAKES_LIMITS:
        tag = _WITH_LIMITS[tag]
        element[0].set("movablelimits", "true")
    if text == "\N{HORIZONTAL BAR}":
        # Over or under several letters, where browsers stretch another character.
        text = "\N{OVERLINE}"
        element.set("stretchy", "true")
    attributes = dict(_attributes(element))
    variant = attributes.get("mathvariant", "")
    if variant not in {"", "normal"}:
        del attributes["mathvariant"]
        text = "".join(_styled(char, variant) for char in text)
    if tag != "mi":
        attributes.pop("mathvariant", None)
    is_whole = len(element) == _CHILDREN.get(tag, len(element))
    if not (is_whole and ELEMENTS[tag].issuperset(attributes)):
        raise _NotConvertedError
    yield "".join([f"<{tag}", *(f' {name}="{value}"' for name, value in attributes.items()), ">"])
    yield escapeHtml(text)
    previous = None
    for child in element:
        if previous is not None and tag == "mrow" and child.tag != "mo" and _is_function(previous):
            yield '<mspace width="0.167em"></mspace>'
        yield from _written(child, depth=depth + 1)
        previous = child
    yield f"</{tag}>"


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in element.items():
        if name in _PASSED_OVER:
            continue
        if not _PLAIN_VALUE.fullmatch(value):
            raise _NotConvertedError
        yield name, value


def _is_function(element: Element) -> bool:
    r"""Tell whether the element is the name of a function, as ``\log``."""
    return element.tag == "mi" and bool(re.fullmatch("[a-z]{2,}", element.text or ""))


def _styled(char: str, variant: str) -> str:
    """Return the character's form in bold, script and so on; Unicode has them, and MathML Core leaves it to that."""
    style = (
        variant.upper().replace("-", " ").replace("DOUBLE ", "DOUBLE-").replace("SANS ", "SANS-")
    )
    name = re.sub(r"^(?:LATIN|GREEK) (\w+) LETTER (\w+)$", r"\1 \2", unicodedata.name(char, ""))
    for form in (f"MATHEMATICAL {style} {name}", f"{style} {name}", f"BLACK-LETTER {name}"):
        try:
            return unicodedata.lookup(form)
        except KeyError:
            continue
    return char
