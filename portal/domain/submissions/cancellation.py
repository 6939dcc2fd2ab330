"""Cancelling a submission, and what that costs its team."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.errors import ParticipantError
from portal.domain.evaluations.states import EvaluationState

MAX_FREE_CANCELLATIONS = 5
"""Submissions of a team in a challenge that it can take back without a cost on one day (UTC): each was an upload."""


class Cost(StrEnum):
    """Whether a submission that is cancelled now still counts against the team's limits."""

    NOTHING = "nothing"
    """Nothing was done for it: the place comes back."""
    COUNTS = "counts"
    """It has used the cluster, or the team has taken back too many: the place is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an evaluation is that is to be cancelled."""

    state: EvaluationState
    had_build: bool
    """Whether an image was made for it, or is being made."""

    @property
    def has_used_the_cluster(self) -> bool:
        """Whether jobs were started for it.

        One that waits for staff costs nothing: what happened was not the team's doing.
        """
        if self.state is EvaluationState.HELD:
            return False
        return self.had_build or self.state in {EvaluationState.RUNNING, EvaluationState.SCORING}


def cost(evaluations: Iterable[Progress], *, cancelled_today: int) -> Cost:
    """Return what cancelling a submission costs; its team has taken back so many without a cost today."""
    used = any(one.has_used_the_cluster for one in evaluations)
    return Cost.COUNTS if used or cancelled_today >= MAX_FREE_CANCELLATIONS else Cost.NOTHING


def check_shown(shown: str, real: Cost) -> None:
    """Refuse when the person was shown a lower cost than there is by now."""
    if real is Cost.COUNTS and shown != Cost.COUNTS:
        raise ParticipantError(
            "Something has started for it in the meantime, so that it counts even if it is cancelled. "
            "Look at it again, and decide.",
            reason="started",
        )
