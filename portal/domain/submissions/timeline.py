"""The way of one evaluation as people see it: a short list of steps, each done, in progress or pending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.limits import SubmissionKind

E = EvaluationState


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    NOW = "now"
    TODO = "todo"
    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A state that an evaluation entered."""

    state: EvaluationState
    at: datetime
    is_coarse: bool = False
    """Whether it is only shown by when it happened, which may lie ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the list. ``at`` is when the evaluation entered it."""

    title: str
    state: StepState
    at: datetime | None = None
    is_coarse: bool = False
    """Whether it entered it at ``at`` at the latest, and nothing else is shown."""


TITLES: Mapping[EvaluationState, str] = {
    E.WAITING: "Received",
    E.BUILDING: "Image built",
    E.QUEUED: "In the queue",
    E.RUNNING: "Program run",
    E.SCORING: "Output scored",
    E.SCORED: "Result",
}

WITH_IMAGE = (E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORING, E.SCORED)
ANSWERS_ONLY = (E.WAITING, E.SCORING, E.SCORED)
ON_SAMPLE = (E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORED)
"""Nothing is scored of a run on the public sample: what it comes to is what it wrote."""
SAMPLE_END = "What it wrote"

_ENDS = {E.FAILED: StepState.FAILED, E.CANCELLED: StepState.SKIPPED, E.HELD: StepState.HELD}


def steps(
    kind: SubmissionKind,
    state: EvaluationState,
    happened: Sequence[Happened],
    *,
    is_smoke: bool = False,
) -> tuple[Step, ...]:
    """Return the steps of an evaluation in ``state`` that went through ``happened``, oldest first."""
    way: Sequence[EvaluationState] = WITH_IMAGE
    if is_smoke:
        way = ON_SAMPLE
    elif kind is SubmissionKind.RESULTS:
        way = ANSWERS_ONLY
    here = _reached(way, state, happened)
    entered = {event.state: event for event in happened}
    return tuple(
        Step(
            title=SAMPLE_END if is_smoke and stop is E.SCORED else TITLES[stop],
            state=_state_of(place, here, state),
            at=entered[stop].at if place <= here and stop in entered else None,
            is_coarse=place <= here and stop in entered and entered[stop].is_coarse,
        )
        for place, stop in enumerate(way)
    )


def _reached(
    way: Sequence[EvaluationState], state: EvaluationState, happened: Sequence[Happened]
) -> int:
    if state in way:
        return way.index(state)
    last = [event.state for event in happened if event.state in way]
    return way.index(last[-1]) if last else 0


def _state_of(place: int, here: int, state: EvaluationState) -> StepState:
    if place < here or state is E.SCORED:
        return StepState.DONE
    if place > here:
        return StepState.SKIPPED if state in {E.FAILED, E.CANCELLED} else StepState.TODO
    if here == 0 and state is E.WAITING:
        return StepState.DONE
    return _ENDS.get(state, StepState.NOW)
