"""What can be wrong with a file that a sysadmin or an organiser wrote.

* SettingsError   the file cannot be used; its message lists every problem with file and line
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and where."""

    file: Path
    line: int | None
    """Counted from 1; ``None`` where the whole file is meant."""
    key: str
    """Dotted path of the key, such as ``phases[0].limits``; empty for the whole file."""
    message: str

    def __str__(self) -> str:
        """Write it as ``file:line: key: message``, which editors and terminals can follow."""
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class SettingsError(Exception):
    """A settings file, or a challenge, is not usable. ``str()`` is one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))
