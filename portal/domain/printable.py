"""Which texts can be shown, and where: names of files and people, notes, titles."""

import unicodedata

_JOINERS = frozenset("\u200c\u200d")
"""They shape letters of some scripts, and join the parts of many emoji."""


def spreadsheet_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def is_printable(text: str) -> bool:
    """Whether every character of a text can be seen, or is a space of some width.

    Python's ``str.isprintable`` takes no space but the common one, though macOS puts others into names of
    files. Control characters, those that reverse text, and bytes that were no text are none.
    """
    return all(
        char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"
        for char in text
    )


def escaped(text: str) -> str:
    """Return a line in which what a terminal would obey stands as its code."""
    return "".join(char if is_printable(char) else ascii(char)[1:-1] for char in text)
