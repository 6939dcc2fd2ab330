"""A report as text for a terminal: by area, what is wrong first in each."""

import textwrap
from collections.abc import Iterator

from portal.domain.findings import AREAS, Finding, Level, Report, by_area

MARKS = {Level.OK: "+", Level.LEFT_OUT: "-", Level.WARNING: "!", Level.FAILURE: "x"}
WORDS = {
    Level.OK: "ok",
    Level.LEFT_OUT: "left out",
    Level.WARNING: "warning",
    Level.FAILURE: "FAILURE",
}
_WIDTH = 100


def as_text(report: Report) -> str:
    """Return the report as lines; each finding begins with a mark and a word."""
    lines = []
    for area, findings in by_area(report.findings).items():
        lines += [AREAS.get(area, area), ""]
        lines += [line for finding in findings for line in _lines(finding)]
        lines.append("")
    return "\n".join([*lines, report.summary])


def _lines(finding: Finding) -> Iterator[str]:
    subject = f" ({finding.subject})" if finding.subject else ""
    head = f"  {MARKS[finding.level]} {WORDS[finding.level]:7} {finding.id}{subject}: "
    yield from textwrap.wrap(
        head + " ".join(finding.found.split()),
        _WIDTH,
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if finding.level is Level.OK:
        return
    for title, text in (("means", finding.meaning), ("change", finding.change)):
        if text:
            yield from textwrap.wrap(
                f"{title}: {text}",
                _WIDTH,
                initial_indent=" " * 12,
                subsequent_indent=" " * 14,
                break_long_words=False,
                break_on_hyphens=False,
            )
