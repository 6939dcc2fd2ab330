"""Skeletons of names: two names that people take for the same have the same one (Unicode UTS 39, section 4).

The pairs of characters are Unicode's own, from the library's data; it tells which are alike, and not into what
they are folded, which is done here. Names are compared, never changed: everybody sees what was typed.
"""

import unicodedata
from functools import cache

from confusable_homoglyphs.utils import load

_MARK = "\u200e"
"""Unicode's table wraps what runs from right to left in these."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MAX_CHARS = 1000
"""Characters that a skeleton is cut at; names have 200, and few of theirs become two."""


def skeleton_of(name: str) -> str:
    """Return what a name is compared by: without case, width, blanks and what cannot be seen.

    ``i`` is ``l``, as the capital ``I`` cannot be distinguished from it and case says nothing.
    """
    # First as it is written: a capital can look like another script's although its small letter does not.
    folded = _folded(_folded(unicodedata.normalize("NFKC", name)).casefold()).casefold()
    return folded.replace("i", "l")[:_MAX_CHARS]


def _folded(text: str) -> str:
    prototypes = _prototypes()
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize(
        "NFD", "".join(prototypes.get(c, c) for c in apart if not _is_unseen(c))
    )


def _is_unseen(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    kind = unicodedata.category(character)
    return (
        is_selector or character in _UNSEEN or kind[0] in "ZC" or "\u180b" <= character <= "\u180f"
    )


@cache
def _prototypes() -> dict[str, str]:
    """Return into what each character is folded."""
    alike = {
        _plain(one): {_plain(other["c"]) for other in others}
        for one, others in load("confusables.json").items()
    }
    return {one: _prototype(one, alike) for one in alike if len(one) == 1}


def _prototype(one: str, alike: dict[str, set[str]]) -> str:
    """Return the centre of the star that a character is in: Unicode gives each one prototype."""
    if len(alike[one]) > 1:
        return one
    [other] = alike[one]
    if len(alike.get(other, ())) > 1:
        return other
    return min((one, other), key=lambda text: (-len(text), not text.isascii(), text))


def _plain(text: str) -> str:
    return text.replace(_MARK, "")
