"""The table in docs/reference/access.md: read from the page, and compared with what was answered."""

from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/reference/access.md"

Key = tuple[str, str]
"""Method and address, as in the table of routes."""


def read(heading: str, columns: Sequence[str]) -> dict[Key, tuple[str, ...]]:
    """Return the answers by method and address of the table under a heading.

    Raises ``ValueError`` if its columns are others than ``columns``, in this order.
    """
    text = PAGE.read_text("utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = text[text.index("| Method |") :].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]
    if rows[0] != ["Method", "Address", *columns]:
        raise ValueError(f"the columns of '{heading}' are {rows[0]}")
    return {(row[0], row[1].strip("`")): tuple(row[2:]) for row in rows[2:]}


def written(columns: Sequence[str], rows: Mapping[Key, Sequence[str]]) -> str:
    """Return the table as Markdown, to be looked at and put into the page."""
    lines = [
        "| Method | Address | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for (method, address), answers in rows.items():
        lines.append(f"| {method} | `{address}` | " + " | ".join(answers) + " |")
    return "\n".join(lines)


def word(status: int, location: str) -> str:
    """Return what the table calls an answer."""
    if status in {301, 302, 303, 307} and location.startswith("/login?"):
        return "login"
    if status in {301, 302, 303, 307} and location.startswith("/welcome"):
        return "terms"
    return "yes" if status in range(200, 400) else str(status)
