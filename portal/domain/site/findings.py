"""What a check of the site found: plain values that are shown, stored and compared."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

SCHEMA = 2
"""Number of the form in which a report is written as JSON; it changes when a reader has to."""
_READABLE = frozenset({1, SCHEMA})
"""What the first form has is read as it is; it only has no level for what was left out."""


AREAS: Mapping[str, str] = {
    "settings": "Settings",
    "database": "Database",
    "storage": "Storage",
    "accounts": "Accounts",
    "mail": "Mail",
    "ssh": "Way to the cluster",
    "slurm": "Slurm",
    "profiles": "Profiles",
    "apptainer": "Apptainer",
    "probe": "Jobs",
}
"""The areas in the order in which they are looked at, and their titles."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    LEFT_OUT = "left_out"
    """The operator asked for it not to be looked at: nobody knows."""
    WARNING = "warning"
    """The site can open: something is weaker than it could be, or cannot be seen from here."""
    FAILURE = "failure"
    """The site must not open: jobs would fail, something is not kept apart, or nothing said that it is."""


_WORST_FIRST = (Level.FAILURE, Level.WARNING, Level.LEFT_OUT, Level.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and how it is."""

    id: str
    """``area.what``; it never changes its meaning."""
    level: Level
    subject: str = ""
    """What it is about where there are several: a profile, a file."""
    found: str
    meaning: str = ""
    """What follows from it; empty where all is well."""
    change: str = ""
    """File and line to change, as ``cgroup.conf: ConstrainDevices=yes``; empty where all is well."""

    @property
    def area(self) -> str:
        """The part of the site that it is about."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a site has to fulfil; findings are made from it."""

    id: str
    title: str
    """What holds where all is well, as a sentence."""
    level: Level
    """How bad it is where that does not hold."""
    meaning: str
    change: str

    def holds(self, found: str, *, subject: str = "") -> Finding:
        """Return the finding that all is well."""
        return Finding(id=self.id, level=Level.OK, subject=subject, found=found)

    def broken(self, found: str, *, subject: str = "", change: str = "") -> Finding:
        """Return the finding that it does not hold; ``change`` where the line depends on the site."""
        return Finding(
            id=self.id,
            level=self.level,
            subject=subject,
            found=found,
            meaning=self.meaning,
            change=change or self.change,
        )

    def judged(self, holds: bool, found: str, *, subject: str = "", change: str = "") -> Finding:
        """Return the finding that it holds, or that it does not."""
        if holds:
            return self.holds(found, subject=subject)
        return self.broken(found, subject=subject, change=change)

    def unchecked(self, why: str, *, subject: str = "", change: str = "") -> Finding:
        """Return the failure that nothing answered, or not in time: what was not checked is not passed.

        ``why`` says what was waited for and how long, ``change`` what to do about it.
        """
        return self._unknown(Level.FAILURE, f"not checked: {why}", subject, change)

    def unseen(self, why: str, *, subject: str = "") -> Finding:
        """Return the warning that it cannot be seen from here, however long one waits."""
        return self._unknown(Level.WARNING, f"cannot be seen here: {why}", subject)

    def left_out(self, option: str, *, subject: str = "") -> Finding:
        """Return the finding that the operator asked for it not to be looked at, by an option."""
        found = f"left out on request: {option}"
        return self._unknown(Level.LEFT_OUT, found, subject, f"run it without {option}")

    def _unknown(self, level: Level, found: str, subject: str, change: str = "") -> Finding:
        return Finding(
            id=self.id,
            level=level,
            subject=subject,
            found=found,
            meaning=f"Nobody knows whether this holds: {self.title[0].lower()}{self.title[1:]}",
            change=change or self.change,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one check of the site found."""

    site: str
    taken_at: datetime
    version: str
    """Sealrun's own."""
    profiles: tuple[str, ...]
    """The profiles that were looked at."""
    jobs: str
    """``all``, ``quick`` (without the time limit) or ``none``."""
    complete: bool
    """False where the check could not go on: what is missing was not looked at."""
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """Return how many findings have this level."""
        return sum(finding.level is level for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0: no failure in what was looked at; 1: a failure; 2: could not check."""
        if not self.complete:
            return 2
        return 1 if self.count(Level.FAILURE) else 0

    @property
    def is_ready(self) -> bool:
        """Whether everything was looked at and holds, so that the site may be called ready."""
        return self.complete and self.count(Level.OK) == len(self.findings)

    @property
    def summary(self) -> str:
        """What it comes to, in words; never a healthy one for what was not looked at."""
        failures, warnings = self.count(Level.FAILURE), self.count(Level.WARNING)
        if not self.complete:
            return "The check could not go on: mend what is named above and run it again."
        if left_out := self.count(Level.LEFT_OUT):
            return _summary_of_a_part(failures, warnings, left_out)
        counts = f"{_counted(failures, 'failure')}, {_counted(warnings, 'warning')}"
        if failures:
            return f"{counts}. The site must not open like this."
        if warnings:
            return f"{counts}. Look at the warnings."
        return f"{counts}. The site is ready to open."

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "schema": SCHEMA,
            "site": self.site,
            "taken_at": self.taken_at.isoformat(),
            "version": self.version,
            "profiles": list(self.profiles),
            "jobs": self.jobs,
            "complete": self.complete,
            "counts": {level.value: self.count(level) for level in Level},
            "findings": [asdict(finding) | {"area": finding.area} for finding in self.findings],
        }


def report_from_json(value: dict[str, Any]) -> Report:
    """Read what ``Report.as_json`` wrote. Raises ``ValueError`` for another schema."""
    if value.get("schema") not in _READABLE:
        raise ValueError(f"a report with schema {value.get('schema')!r}")
    return Report(
        site=value["site"],
        taken_at=datetime.fromisoformat(value["taken_at"]),
        version=value["version"],
        profiles=tuple(value["profiles"]),
        jobs=value["jobs"],
        complete=value["complete"],
        findings=tuple(_finding(one) for one in value["findings"]),
    )


def _finding(value: dict[str, Any]) -> Finding:
    fields = {name: value[name] for name in ("id", "subject", "found", "meaning", "change")}
    return Finding(level=Level(value["level"]), **fields)


def by_area(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the findings by area, the worst first; those that differ only in their subject become one."""
    groups: dict[str, list[Finding]] = {area: [] for area in AREAS}
    for finding in findings:
        groups.setdefault(finding.area, []).append(finding)
    return {area: _merged(group) for area, group in groups.items() if group}


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    alike: dict[Finding, list[str]] = {}
    for finding in sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.level)):
        alike.setdefault(replace(finding, subject=""), []).append(finding.subject)
    return [
        replace(finding, subject=", ".join(filter(None, subjects)))
        for finding, subjects in alike.items()
    ]


def _summary_of_a_part(failures: int, warnings: int, left_out: int) -> str:
    counts = f"{_counted(failures, 'failure') if failures else 'No failures'} in what was checked"
    if warnings:
        counts += f", {_counted(warnings, 'warning')}"
    end = "The site must not open like this." if failures else "Check the rest before it opens."
    return f"{counts}; {_counted(left_out, 'check')} left out on request. {end}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
