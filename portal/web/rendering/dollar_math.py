"""Formulas between dollars in Markdown: ``$…$`` in a line, and ``$$…$$`` on lines of their own or in a paragraph.

A dollar that stands for money stays one: there is no space inside the delimiters, no letter or digit before the
opening one and no digit after the closing one. What is between them is nothing that Markdown reads.
"""

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from portal.web.rendering.formulas import mathml_of

MAX_FORMULA_LINES = 50
MAX_PAGE_FORMULA_CHARS = 20_000
"""Characters of LaTeX that are converted on one page: about a second."""
MAX_NARROW_CHARS = 40
"""Browsers do not break a formula: a longer one in a line may be wider than a phone, and scrolls."""
FORMULA_COST = 20
"""Characters that a formula counts for besides its own."""

_BODY = r"(?:[^$\\]|\\.)"
_INLINE = re.compile(rf"(?<![\w$])\$(?![\s$])({_BODY}++)(?<!\s)\$(?![\d$])", re.DOTALL)
_DOUBLE = re.compile(rf"\$\$({_BODY}++)\$\$", re.DOTALL)
_BLOCK = re.compile(rf"[ ]{{0,3}}\$\$({_BODY}++)\$\$[ \t]*(?:\n|\Z)", re.DOTALL)

_SCROLLS = 'class="scroll" role="group" tabindex="0" aria-label="Formula"'


def add_formulas(parser: MarkdownIt) -> None:
    """Teach the parser formulas; those that cannot be converted are shown as they were written."""
    parser.inline.ruler.before("escape", "math_inline", _inline)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math_block", _block, interrupts)
    parser.add_render_rule("math_inline", _show_inline)
    parser.add_render_rule("math_block", _show_block)


def mathml_within(token: Token, env: MutableMapping[str, Any]) -> str | None:
    """Return the formula of a token as MathML; nothing if it cannot be converted, or the page has had its share.

    ``env`` is the one of a whole page, and counts.
    """
    env["formula_chars"] = env.get("formula_chars", 0) + FORMULA_COST + len(token.content)
    if env["formula_chars"] > MAX_PAGE_FORMULA_CHARS:
        return None
    return mathml_of(token.content, display="block" if token.markup == "$$" else "inline")


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    found = _DOUBLE.match(state.src, state.pos) or _INLINE.match(state.src, state.pos)
    if found is None or found.end() > state.posMax:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = found[1]
        token.markup = "$$" if found[0].startswith("$$") else "$"
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    first = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or not state.src.startswith("$$", first):
        return False
    lines = range(start + 1, min(end, start + MAX_FORMULA_LINES))
    outside = (n for n in lines if state.isEmpty(n) or state.sCount[n] < state.blkIndent)
    last = next(outside, lines.stop)
    found = _BLOCK.match(state.getLines(start, last, state.blkIndent, False))
    if found is None:
        return False
    if not silent:
        state.line = start + found[0].rstrip("\n").count("\n") + 1
        token = state.push("math_block", "math", 0)
        token.block = True
        token.content = found[1]
        token.markup = "$$"
        token.map = [start, state.line]
    return True


def _as_written(token: Token) -> str:
    return escapeHtml(f"{token.markup}{token.content}{token.markup}")


def _show_inline(
    _renderer: object,
    tokens: Sequence[Token],
    index: int,
    _options: object,
    env: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    mathml = mathml_within(token, env)
    if mathml is None:
        return _as_written(token)
    is_wide = token.markup == "$$" or len(token.content) > MAX_NARROW_CHARS
    return f"<span {_SCROLLS}>{mathml}</span>" if is_wide else mathml


def _show_block(
    _renderer: object,
    tokens: Sequence[Token],
    index: int,
    _options: object,
    env: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    mathml = mathml_within(token, env)
    if mathml is None:
        return f'<pre tabindex="0">{_as_written(token)}</pre>\n'
    return f"<div {_SCROLLS}>{mathml}</div>\n"
