"""A report as text for a terminal: what is wrong in full, by area, and how much is ok."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from portal.domain.site.findings import AREAS, Finding, Level, Report, by_area

MARKS = {Level.OK: "+", Level.LEFT_OUT: "-", Level.WARNING: "!", Level.FAILURE: "x"}
WORDS = {
    Level.OK: "ok",
    Level.LEFT_OUT: "left out",
    Level.WARNING: "warning",
    Level.FAILURE: "FAILURE",
}
_WIDTH = 100


def as_text(report: Report, *, every_line: bool = False) -> str:
    """Return the report as lines; each finding begins with a mark and a word.

    Of what is ok the number is said, by area, and every line only where that is asked for.
    """
    lines = []
    for area, findings in by_area(report.findings).items():
        title = AREAS.get(area, area)
        if every_line:
            shown = [line for finding in findings for line in _lines(finding)]
            lines += [title, "", *shown, ""]
        else:
            of_area = [one for one in report.findings if one.area == area]
            shown = [line for finding in findings for line in _problem(finding)]
            shown += _left_out(of_area)
            lines += [f"{title}: {_counts(of_area)}", "", *shown, *([""] if shown else [])]
    return "\n".join([*lines, report.summary])


def _counts(findings: Sequence[Finding]) -> str:
    """Return how many there are of each level, the worst first; nothing of a level that has none."""
    numbers = Counter(finding.level for finding in findings)
    return ", ".join(
        f"{numbers[level]} {word}"
        for level, word in (
            (Level.FAILURE, "failure" if numbers[Level.FAILURE] == 1 else "failures"),
            (Level.WARNING, "warning" if numbers[Level.WARNING] == 1 else "warnings"),
            (Level.LEFT_OUT, "left out"),
            (Level.OK, "ok"),
        )
        if numbers[level]
    )


def _problem(finding: Finding) -> Iterator[str]:
    if finding.level in {Level.FAILURE, Level.WARNING}:
        yield from _lines(finding)


def _left_out(findings: Iterable[Finding]) -> list[str]:
    """Return one line for each reason why something was left out, with all that was."""
    reasons: dict[str, dict[str, None]] = {}
    for finding in findings:
        if finding.level is Level.LEFT_OUT:
            reasons.setdefault(finding.found, {})[_named(finding)] = None
    return [
        line
        for reason, names in reasons.items()
        for line in _wrapped(f"  {MARKS[Level.LEFT_OUT]} {reason}: {', '.join(names)}")
    ]


def _named(finding: Finding) -> str:
    return finding.id + (f" ({finding.subject})" if finding.subject else "")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(finding: Finding) -> Iterator[str]:
    head = f"  {MARKS[finding.level]} {WORDS[finding.level]:7} {_named(finding)}: "
    yield from _wrapped(head + " ".join(finding.found.split()))
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
