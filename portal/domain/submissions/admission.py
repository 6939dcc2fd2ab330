"""What a team needs in one phase before it can submit to another, and how that is said."""

from dataclasses import dataclass
from enum import StrEnum

from portal.domain.errors import NotAllowedError


class Needs(StrEnum):
    """What a team needs in an earlier phase."""

    SCORED = "scored"
    """A submission that has a score."""
    RANK = "rank"
    """A place among the first, once that phase is over."""
    ORGANISERS = "organisers"
    """That the organisers have admitted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerequisite:
    """What a phase asks for."""

    phase: str
    """Title of the earlier phase."""
    needs: Needs
    rank: int | None = None

    def __str__(self) -> str:
        match self.needs:
            case Needs.SCORED:
                return f"a submission to {self.phase} that has a score"
            case Needs.RANK:
                return f"a place among the first {self.rank} of {self.phase}"
            case Needs.ORGANISERS:
                return f"that the organisers admit the team after {self.phase}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a team is with it."""

    has_score: bool = False
    rank: int | None = None
    is_over: bool = False
    """Whether the earlier phase has ended: before that ranks change, and would be asked for one after the other."""
    is_admitted: bool = False


def lacking(asked: Prerequisite, progress: Progress) -> str:
    """Return in a sentence what a team lacks; empty for nothing."""
    match asked.needs:
        case Needs.SCORED:
            return (
                "" if progress.has_score else f"Your team needs {asked} before it can submit here."
            )
        case Needs.RANK:
            if not progress.is_over:
                return f"Who can submit here is known once {asked.phase} is over."
            has_place = (
                progress.rank is not None and asked.rank is not None and progress.rank <= asked.rank
            )
            return (
                "" if has_place else f"Only teams with {asked} can submit here; yours is not one."
            )
        case Needs.ORGANISERS:
            return (
                "" if progress.is_admitted else "The organisers have not admitted your team here."
            )


def check(asked: Prerequisite, progress: Progress) -> None:
    """Refuse a team that lacks something. Raises ``NotAllowedError``."""
    if lacks := lacking(asked, progress):
        raise NotAllowedError(lacks, reason="phase")
