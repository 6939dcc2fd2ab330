"""What is kept of what a run wrote: its end, as plain text."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

MAX_LOG_BYTES = 64 * 1024
"""Bytes of UTF-8 that are kept of each stream of a run on private data."""

# What terminals obey: sequences that begin with the escape character, in their two long forms.
_COMMANDS = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a stream."""

    text: str
    truncated: bool
    """Whether there was more of it."""


def tail(text: str, longest: int = MAX_LOG_BYTES, *, cut: int | None = None) -> Tail:
    """Return the last bytes of a log, without anything that a terminal or a browser would obey.

    ``cut`` is the length at which whoever wrote the log down stopped, in bytes.
    """
    content = text.encode("utf-8", "replace")
    end = content[-longest:].decode("utf-8", "ignore")
    is_cut = cut is not None and len(content) >= cut
    return Tail(text=plain(end), truncated=is_cut or len(content) > longest)


def plain(text: str) -> str:
    """Return text of letters, lines and tabs only.

    A carriage return, with which programs write over a line, starts a new one.
    """
    lines = _COMMANDS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)


def error_of_pip(text: str) -> str:
    """Return the first error that pip wrote, for people; empty where it wrote none."""
    prefix = "ERROR: "
    line = next((line for line in plain(text).splitlines() if line.startswith(prefix)), "")
    return _short(line.removeprefix(prefix))


def last_line(text: str, hidden: Iterable[PurePath] = ()) -> str:
    """Return the last line that says anything, for people, with no more than the names of files below ``hidden``."""
    line = next((line for line in reversed(plain(text).splitlines()) if line.strip()), "")
    for folder in hidden:
        line = re.sub(rf"{re.escape(str(folder))}/(?:[^\s:'\"]*/)?", "", line)
    return _short(line.strip())


def _short(line: str, longest: int = 300) -> str:
    return line if len(line) <= longest else f"{line[:longest]}..."
