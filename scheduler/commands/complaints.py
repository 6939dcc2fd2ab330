"""What Slurm's programs complain of on standard error although they end well.

A complaint may mean that a part of the answer is missing: then the answer is not whole. Others come with each
answer and say nothing of it, such as a plugin that a site has named and not installed. To take those for the
first kind would mean that nothing is ever known of any job.
"""

import re
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger("sealrun.scheduler")

_OF_THE_SITE = re.compile(
    r"plugstack|spank|plugin not found|unrecognized key|[Pp]arsing error|deprecated|locale",
    re.ASCII,
)
"""Of settings, which the program then passes over; https://slurm.schedmd.com/spank.html names the first ones."""
_NUMBERS = re.compile(r"[0-9]+")
_MAX_CHARS = 300


class Complaints:
    """Tells complaints about the site's settings from those about an answer; known ones are logged once."""

    def __init__(self, ask_version: Callable[[str], bytes]) -> None:
        """``ask_version`` runs a program with ``--version``, which asks no controller, and returns its errors."""
        self._ask_version = ask_version
        self._of_every_answer: dict[str, frozenset[str]] = {}
        self._told: set[str] = set()

    def about_the_answer(self, program: str, stderr: str) -> str:
        """Return the lines that may mean that something of the answer is missing; empty where none does."""
        lines = [line for line in stderr.splitlines() if "error:" in line]
        serious = [line for line in lines if not self._is_of_the_site(program, line)]
        for line in set(lines).difference(serious):
            self._tell(program, line)
        return "\n".join(serious)

    def _is_of_the_site(self, program: str, line: str) -> bool:
        if _OF_THE_SITE.search(line):
            return True
        if program not in self._of_every_answer:
            said = self._ask_version(program).decode(errors="replace").splitlines()
            self._of_every_answer[program] = frozenset(map(_kind_of, said))
        return _kind_of(line) in self._of_every_answer[program]

    def _tell(self, program: str, line: str) -> None:
        kind = _kind_of(line)
        if kind not in self._told:
            self._told.add(kind)
            log.warning("slurm_warning", program=program, says=line[:_MAX_CHARS])


def program_of(argv: Sequence[str]) -> str:
    """Return the program that a command runs, behind ``env`` and its settings."""
    return next(word for word in argv if word != "env" and "=" not in word)


def _kind_of(line: str) -> str:
    """Return a line without its numbers, which differ from answer to answer."""
    return _NUMBERS.sub("0", line.strip())[:_MAX_CHARS]
