"""What a page in Markdown cannot show: for its organisers, who would otherwise look for it on the page."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from markdown_it.token import Token

from portal.web.rendering.dollar_math import mathml_within
from portal.web.rendering.markdown import PARSER, SCHEMES
from site_config.admonitions import MAX_DEPTH, admonition_of
from site_config.pictures import path_of


def losses_of(text: str) -> list[tuple[int, str]]:
    """Return each loss with its line, the first being 1."""
    return list(_losses(text, {}, before=0, depth=0))


def _losses(
    text: str, env: dict[str, Any], *, before: int, depth: int
) -> Iterator[tuple[int, str]]:
    line = before
    for token in PARSER.parse(text):
        line = before + token.map[0] + 1 if token.map else line
        admonition = admonition_of(token)
        if admonition is not None and depth < MAX_DEPTH:
            yield from _losses(admonition.text, env, before=line, depth=depth + 1)
        if message := _loss(token, env):
            yield line, message
        within = line
        for child in token.children or ():
            if message := _loss(child, env):
                yield within, message
            within += _line_ends(child)


def _line_ends(token: Token) -> int:
    return 1 if token.type in {"softbreak", "hardbreak"} else token.content.count("\n")


def _loss(token: Token, env: dict[str, Any]) -> str:
    if token.type == "image" and path_of(str(token.attrs["src"]), PurePosixPath()) is None:
        return (
            f"the picture '{token.attrs['src']}' is left out, and its description shown: pages show pictures that are in"
            " the challenge's directory"
        )
    if token.type == "link_open":
        return _lost_link(str(token.attrs["href"]))
    if token.type in {"math_inline", "math_block"} and mathml_within(token, env) is None:
        return "the formula is shown as it is written: pages cannot convert it"
    return ""


def _lost_link(href: str) -> str:
    address = urlsplit(href)
    if address.scheme and address.scheme not in SCHEMES:
        return f"the link to '{href}' is left out: links are http, https or mailto"
    if not (address.scheme or address.netloc or address.path.startswith("/")):
        return f"the link to '{href}' leads nowhere: files of the challenge have no address on the site; write a whole one"
    return ""
