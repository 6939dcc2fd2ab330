"""Bounds of the Markdown that organisers and sysadmins write: what a page shows in a moment.

A parser of Markdown is not linear: cells that a row leaves out are made up, brackets and emphasis are tried
against each other, a definition is written out at each place that names it. So lines, marks and cells are
counted before it sees a text. A text of 64 KiB is some thirty printed pages.
"""

import re

MAX_CHARS = 64 * 1024
MAX_LINES = 4000
MAX_LINE_CHARS = 4000
MAX_MARKS = 10_000
"""Characters that can mean something to Markdown, all together."""
MAX_LINKS = 2000
"""Opening brackets: each may begin a link, and is tried against all that follow."""
MAX_CELLS = 4000
"""Cells that tables can have, with those that short rows are filled up with."""

_MARK = re.compile(r"[\[\]*_~`<>&|!\\]")
_UNDER_A_HEAD = "-:| \t>*+0123456789.)"
"""What the line below the head of a table is made of, also in a list or a quotation."""


def excess_of(text: str) -> str:
    """Say which bound a text exceeds; empty for one that is within all of them."""
    if len(text) > MAX_CHARS:
        return f"it has more than {MAX_CHARS} characters"
    lines = re.split("\r\n|\n|\r", text)
    if max(map(len, lines)) > MAX_LINE_CHARS:
        return f"it has a line of more than {MAX_LINE_CHARS} characters"
    counted = (
        (len(lines), MAX_LINES, "lines"),
        (len(_MARK.findall(text)), MAX_MARKS, "marks such as * and ["),
        (text.count("["), MAX_LINKS, "links"),
        (_most_cells(lines), MAX_CELLS, "cells in tables"),
    )
    exceeded = (
        f"it has more than {most} {what}" for number, most, what in counted if number > most
    )
    return next(exceeded, "")


def _most_cells(lines: list[str]) -> int:
    """Return a bound of how many cells all tables have: the rows below each head, as wide as it is."""
    cells, rows = 0, 0
    for line in reversed(lines):
        rows = rows + 1 if line.strip(" >\t") else 0
        if rows and "-" in line and not line.strip(_UNDER_A_HEAD):
            cells += (line.count("|") + 1) * rows
    return cells
