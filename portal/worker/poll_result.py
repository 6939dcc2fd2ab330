"""What came of asking the cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """One round of questions. The default: there was nothing to ask about."""

    queried: int = 0
    """How many attempts."""
    complete: bool = True
    """Whether the cluster answered all of it."""
    changed: bool = False
    """Whether an attempt is now known to be elsewhere than before."""
    problem: str = ""
    """What the cluster said instead of an answer, or beside it."""
