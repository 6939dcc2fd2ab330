"""Cancelling a submission, and what that costs its team."""

from collections.abc import Iterable
from enum import StrEnum

from portal.domain.errors import ParticipantError
from portal.domain.states import EvaluationState

FINISHED = frozenset({EvaluationState.SCORED, EvaluationState.FAILED, EvaluationState.CANCELLED})


class Cost(StrEnum):
    """Whether a submission that is cancelled now still counts against the team's limits."""

    NOTHING = "nothing"
    """No job of it has started: the place comes back."""
    COUNTS = "counts"
    """It has used the cluster: the place is gone."""


def cost(states: Iterable[EvaluationState]) -> Cost:
    """Return what cancelling costs when a submission's evaluations are in these states.

    A submission that waits for staff costs nothing: what happened was not the team's doing.
    """
    used = {EvaluationState.RUNNING, EvaluationState.SCORING}
    return Cost.COUNTS if used & set(states) else Cost.NOTHING


def check_shown(shown: str, real: Cost) -> None:
    """Refuse when the person was shown a lower cost than there is by now."""
    if real is Cost.COUNTS and shown != Cost.COUNTS:
        raise ParticipantError(
            "It has started in the meantime, so that it counts even if it is cancelled. "
            "Look at it again, and decide.",
            reason="started",
        )
