"""Tables as files for spreadsheets: no text in a cell is a formula to one."""

import csv
import io
from collections.abc import Iterable

from portal.domain.printable import spreadsheet_text

MEDIA_TYPE = "text/csv; charset=utf-8"


def lines(rows: Iterable[Iterable[str]]) -> str:
    """Return rows of texts as lines of a file; every cell is made harmless, whoever wrote it."""
    text = io.StringIO()
    csv.writer(text).writerows([spreadsheet_text(cell) for cell in row] for row in rows)
    return text.getvalue()
