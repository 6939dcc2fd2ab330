"""Pictures of a challenge's pages: which a text names, where they lie in the bundle, and what their bytes may be."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import TypeAdapter, ValidationError

from site_config.admonitions import MAX_DEPTH, admonition_of, allow_colons
from site_config.fields import InnerPath
from site_config.markdown_bounds import excess_of

MAX_PICTURE_BYTES = 2 * 1024 * 1024
MAX_PICTURES = 200
"""Pictures that all pages of a challenge show, each counted once."""

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
allow_colons(_PARSER)
_INNER_PATH: TypeAdapter[PurePosixPath] = TypeAdapter(InnerPath)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureUse:
    """A picture that a text shows."""

    line: int
    """Where the paragraph begins that it is in; the first line is 1."""
    source: str
    description: str


def pictures_in(text: str) -> Iterator[PictureUse]:
    """Yield the pictures of a text in Markdown; none of a text that exceeds the bounds of pages."""
    if not excess_of(text):
        yield from _pictures(text, before=0, depth=0)


def _pictures(text: str, *, before: int, depth: int) -> Iterator[PictureUse]:
    for block in _PARSER.parse(text):
        line = before + (block.map[0] + 1 if block.map else 1)
        admonition = admonition_of(block)
        if admonition is not None and depth < MAX_DEPTH:
            yield from _pictures(admonition.text, before=line, depth=depth + 1)
        for token in block.children or ():
            if token.type == "image":
                yield PictureUse(
                    line=line, source=str(token.attrs["src"]), description=_words_of(token)
                )


def path_of(source: str, folder: PurePosixPath) -> PurePosixPath | None:
    """Return the path in the bundle of what a page in ``folder`` shows; None for what is not in the bundle."""
    address = urlsplit(source)
    if address.scheme or address.netloc or not address.path or address.path.startswith("/"):
        return None
    try:
        return _INNER_PATH.validate_python(
            posixpath.normpath(posixpath.join(str(folder), unquote(address.path)))
        )
    except ValidationError:
        return None


def media_type_of(beginning: bytes) -> str | None:
    """Return the media type of a picture by its first 12 bytes; None for what browsers would not show, or run.

    SVG is none of them: it can hold scripts.
    """
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    return None


def _words_of(token: Token) -> str:
    words: list[Any] = [child.content for child in token.children or ()]
    return "".join(words).strip()
