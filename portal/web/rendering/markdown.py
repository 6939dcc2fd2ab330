"""Organisers' Markdown as HTML that cannot act: no raw HTML, and an allow list after that."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from portal.web.rendering.dollar_math import add_formulas
from portal.web.rendering.formulas import ELEMENTS
from site_config.admonitions import MAX_DEPTH, admonition_of, allow_colons
from site_config.markdown_bounds import excess_of
from site_config.pictures import path_of

KEPT = 256
"""How many rendered texts stay in memory."""

TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol",
    "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    *ELEMENTS,
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
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

_TOP, _PICTURES, _DEPTH = "top", "pictures", "depth"
"""What a rendering carries with it: the level of headings, the place of pictures, and admonitions around."""

_SCROLLS = '<div class="scroll" role="group" tabindex="0" aria-label="Table">\n<table>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePlace:
    """Where the pictures of a page are."""

    address: str
    """Of all pictures of its challenge."""
    folder: str
    """Of the page in the bundle: what it shows is relative to that."""

    def address_of(self, source: str) -> str | None:
        """Return the address of a picture; None for one that is not in the bundle."""
        path = path_of(source, PurePosixPath(self.folder))
        return None if path is None else f"{self.address}/{quote(str(path))}"


@lru_cache(maxsize=KEPT)
def html_of(text: str, top: int = 2, pictures: PicturePlace | None = None) -> str:
    """Return safe HTML; headings start at level ``top``, below those of the page itself.

    A text that exceeds the bounds of pages, as one from before there were any may, is shown as it was written.
    Without a place for pictures, and from elsewhere, there are none: their descriptions stand there.
    """
    if excess_of(text):
        return f'<pre tabindex="0">{escapeHtml(text)}</pre>\n'
    html = _rendered(text, {_TOP: top, _PICTURES: pictures, _DEPTH: 0})
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


def _rendered(text: str, env: MutableMapping[str, Any]) -> str:
    tokens = PARSER.parse(text)
    _fit_headings(tokens, env[_TOP])
    for token in tokens:
        _fit_cell(token)
    html: str = PARSER.renderer.render(tokens, PARSER.options, env)
    return html


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
    env: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    place: PicturePlace | None = env.get(_PICTURES)
    address = place.address_of(str(token.attrs["src"])) if place else None
    if address is None:
        # Pictures from elsewhere would tell strangers who reads the page.
        return escapeHtml(token.content)
    title = str(token.attrs.get("title", ""))
    named = f' title="{escapeHtml(title)}"' if title else ""
    return (
        f'<img src="{escapeHtml(address)}" alt="{escapeHtml(token.content)}"{named} loading="lazy">'
    )


def _fence(
    _renderer: object,
    tokens: Sequence[Token],
    index: int,
    _options: object,
    env: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    admonition = admonition_of(token)
    if admonition is None or env.get(_DEPTH, 0) >= MAX_DEPTH:
        return f'<pre tabindex="0"><code>{escapeHtml(token.content)}</code></pre>\n'
    within = {_TOP: min(6, env[_TOP] + 1), _PICTURES: env[_PICTURES], _DEPTH: env[_DEPTH] + 1}
    within["formula_chars"] = env.get("formula_chars", 0)
    html = _rendered(admonition.text, within)
    env["formula_chars"] = within["formula_chars"]
    return (
        f'<div class="admonition admonition-{admonition.kind}" role="note">\n'
        f'<div class="admonition-title">{escapeHtml(admonition.title)}</div>\n{html}</div>\n'
    )


def _table_open(*_rendering: object) -> str:
    return _SCROLLS


def _table_close(*_rendering: object) -> str:
    return "</table>\n</div>\n"


def _new_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    add_formulas(parser)
    allow_colons(parser)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("colon_fence", _fence)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


PARSER = _new_parser()
"""Reads pages; nothing of it is changed after this."""
