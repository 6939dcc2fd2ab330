"""Organisers' Markdown as HTML that cannot act: no raw HTML, and an allow list after that."""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from portal.web.rendering.dollar_math import add_formulas
from portal.web.rendering.formulas import ELEMENTS
from site_config.markdown_bounds import excess_of

KEPT = 256
"""How many rendered texts stay in memory."""

TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    *ELEMENTS,
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "th": {"scope", "data-align"},
    "td": {"data-align"},
    # Wide content scrolls inside its own box, which the keyboard can reach.
    "div": {"class", "role", "tabindex", "aria-label"},
    "span": {"class", "role", "tabindex", "aria-label"},
    "pre": {"tabindex"},
    **ELEMENTS,
}
SCHEMES = {"http", "https", "mailto"}

_SCROLLS = '<div class="scroll" role="group" tabindex="0" aria-label="Table">\n<table>\n'


@lru_cache(maxsize=KEPT)
def html_of(text: str, top: int = 2) -> str:
    """Return safe HTML; headings start at level ``top``, below those of the page itself.

    A text that exceeds the bounds of pages, as one from before there were any may, is shown as it was written.
    """
    if excess_of(text):
        return f'<pre tabindex="0">{escapeHtml(text)}</pre>\n'
    tokens = PARSER.parse(text)
    _fit_headings(tokens, top)
    for token in tokens:
        _fit_cell(token)
    html: str = PARSER.renderer.render(tokens, PARSER.options, {})
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        set_tag_attribute_values={"pre": {"tabindex": "0"}},
    )


def without_title(text: str, titles: Sequence[str]) -> str:
    """Drop a first heading that repeats what the page's own heading says already."""
    first, _, rest = text.lstrip().partition("\n")
    heading = first.removeprefix("# ").strip().casefold()
    repeats = first.startswith("# ") and heading in {title.casefold() for title in titles}
    return rest if repeats else text


def _fit_headings(tokens: Sequence[Token], top: int) -> None:
    headings = [t for t in tokens if t.type in {"heading_open", "heading_close"}]
    highest = min((int(token.tag[1]) for token in headings), default=top)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + top)}"


def _fit_cell(token: Token) -> None:
    # Alignment comes as a style attribute, which the content policy does not allow.
    if style := token.attrs.pop("style", ""):
        token.attrs["data-align"] = str(style).removeprefix("text-align:")
    if token.type == "th_open":
        token.attrs["scope"] = "col"


def _image(
    _renderer: object,
    tokens: Sequence[Token],
    index: int,
    _options: object,
    _env: MutableMapping[str, Any],
) -> str:
    # There is no place yet where a challenge could keep pictures of its own, and pictures from
    # elsewhere would tell strangers who reads the page.
    return escapeHtml(tokens[index].content)


def _table_open(*_rendering: object) -> str:
    return _SCROLLS


def _table_close(*_rendering: object) -> str:
    return "</table>\n</div>\n"


def _new_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    add_formulas(parser)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


PARSER = _new_parser()
"""Reads pages; nothing of it is changed after this."""
