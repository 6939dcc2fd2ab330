"""Steps that are allowed, as tables: whatever is not listed cannot happen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from portal.domain.errors import PortalError


class EvaluationState(StrEnum):
    """Where one submission is on one task."""

    WAITING = "waiting"  #: for an image, a slot or its turn
    BUILDING = "building"  #: its image is being made
    QUEUED = "queued"  #: the predict job waits for a node
    RUNNING = "running"  #: the predict job runs
    SCORING = "scoring"  #: the score job waits or runs
    SCORED = "scored"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"  #: waits for staff

    @property
    def is_final(self) -> bool:
        """Whether it has ended: no later state follows by itself."""
        return self in FINAL_EVALUATIONS


class AttemptState(StrEnum):
    """Where one try at a job is."""

    CREATED = "created"  #: written down, nothing sent
    SUBMITTING = "submitting"  #: about to be sent, or sent and not recorded
    INDETERMINATE = "indeterminate"  #: sent with an unclear answer
    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"
    ENDED = "ended"  #: nothing of it runs; its files are at rest
    COLLECTED = "collected"  #: what it left was ingested
    LOST = "lost"  #: the cluster does not know it; it can never count as a success


class ImageState(StrEnum):
    """Where an image is."""

    WAITING = "waiting"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class SnapshotState(StrEnum):
    """Where a measurement of data is."""

    WAITING = "waiting"
    MEASURING = "measuring"
    READY = "ready"
    FAILED = "failed"


E, A, S, D = EvaluationState, AttemptState, ImageState, SnapshotState
_STOPPED = frozenset({E.FAILED, E.CANCELLED, E.HELD})

EVALUATION_TRANSITIONS: Mapping[EvaluationState, frozenset[EvaluationState]] = {
    E.WAITING: frozenset({E.BUILDING, E.QUEUED, E.SCORING}) | _STOPPED,
    E.BUILDING: frozenset({E.WAITING, E.QUEUED}) | _STOPPED,
    # A short job may be over before anyone saw it run.
    E.QUEUED: frozenset({E.RUNNING, E.SCORING}) | _STOPPED,
    # Back to queued: the node failed and the job is tried again.
    E.RUNNING: frozenset({E.QUEUED, E.SCORING}) | _STOPPED,
    E.SCORING: frozenset({E.SCORED}) | _STOPPED,
    # Back to where it was: staff let it be tried again.
    E.HELD: frozenset(
        {E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORING, E.FAILED, E.CANCELLED}
    ),
    E.SCORED: frozenset(),
    # Back to where it was: it had failed for no fault of its team, and staff let it be tried again.
    E.FAILED: frozenset({E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORING}),
    E.CANCELLED: frozenset(),
}

ATTEMPT_TRANSITIONS: Mapping[AttemptState, frozenset[AttemptState]] = {
    # Straight to ended: cancelled before it was sent.
    A.CREATED: frozenset({A.SUBMITTING, A.ENDED}),
    # Back to created: the cluster has no room now and took nothing. Straight to ended: refused.
    A.SUBMITTING: frozenset({A.CREATED, A.QUEUED, A.INDETERMINATE, A.ENDED}),
    A.INDETERMINATE: frozenset({A.QUEUED, A.RUNNING, A.FINISHING, A.ENDED, A.LOST}),
    A.QUEUED: frozenset({A.RUNNING, A.FINISHING, A.ENDED, A.LOST}),
    A.RUNNING: frozenset({A.QUEUED, A.FINISHING, A.ENDED, A.LOST}),
    A.FINISHING: frozenset({A.QUEUED, A.RUNNING, A.ENDED, A.LOST}),
    A.ENDED: frozenset({A.COLLECTED}),
    A.COLLECTED: frozenset(),
    A.LOST: frozenset(),
}

IMAGE_TRANSITIONS: Mapping[ImageState, frozenset[ImageState]] = {
    S.WAITING: frozenset({S.BUILDING, S.FAILED}),
    S.BUILDING: frozenset({S.WAITING, S.READY, S.FAILED}),
    # Its file was deleted by policy, and it is needed again.
    S.READY: frozenset({S.WAITING}),
    S.FAILED: frozenset({S.WAITING}),
}

SNAPSHOT_TRANSITIONS: Mapping[SnapshotState, frozenset[SnapshotState]] = {
    D.WAITING: frozenset({D.MEASURING, D.FAILED}),
    D.MEASURING: frozenset({D.READY, D.FAILED}),
    D.READY: frozenset(),
    D.FAILED: frozenset(),
}

FINAL_EVALUATIONS = frozenset({E.SCORED, E.FAILED, E.CANCELLED})
"""Those that no later one follows by itself."""

LIVE_ATTEMPTS = frozenset({A.QUEUED, A.RUNNING, A.FINISHING})
"""Those of which the cluster may still have something to say."""


class InvalidTransitionError(PortalError):
    """A step that the tables do not have: a defect, never the person's doing."""


_State = TypeVar("_State", bound=StrEnum)


def check_transition(
    table: Mapping[_State, frozenset[_State]], start: _State, end: _State
) -> _State:
    """Return ``end`` if the table allows the step; raise ``InvalidTransitionError`` otherwise."""
    if end not in table[start]:
        raise InvalidTransitionError(f"{type(start).__name__}: from {start} to {end}")
    return end
