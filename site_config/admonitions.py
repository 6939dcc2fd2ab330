"""Admonitions in pages, as MyST writes them: a fence of backticks or colons whose first word is ``{note}`` or the like.

https://mystmd.org/guide/admonitions
"""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin

KINDS = (
    "note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error", "seealso",
)  # fmt: skip
MAX_DEPTH = 3
"""Admonitions within each other; what is deeper is shown as it was written."""

_HEAD = re.compile(rf"\{{({'|'.join((*KINDS, 'admonition'))})\}}[ \t]*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admonition:
    """A box with a title."""

    kind: str
    title: str
    text: str
    """Markdown."""


def allow_colons(parser: MarkdownIt) -> None:
    """Let a parser read fences of colons beside those of backticks."""
    colon_fence_plugin(parser)


def admonition_of(token: Token) -> Admonition | None:
    """Return what a fence is, where it is an admonition."""
    if token.type not in {"fence", "colon_fence"}:
        return None
    found = _HEAD.fullmatch(token.info.strip())
    if found is None:
        return None
    kind = "note" if found[1] == "admonition" else found[1]
    named = "See also" if kind == "seealso" else kind.capitalize()
    return Admonition(kind=kind, title=found[2].strip() or named, text=token.content)
