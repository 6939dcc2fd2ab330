"""What is disclosed to a team of a run on private data: as little as the data could be read from.

Whether a program fails, how, when and at which step can all depend on what it read. In a phase
whose failures are sealed all of that looks the same; this module is the only place that says how.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.timeline import Happened


class Failures(StrEnum):
    """How much a phase tells teams of failures."""

    TYPED = "typed"
    """The reason: for phases whose data is no secret."""
    SEALED = "sealed"
    """One sentence for everything that the data can have brought about."""


AFTER_DATA = frozenset(
    {
        # Apptainer says on standard error that an image did not start, and a program can say the same.
        FailureReason.IMAGE_START,
        FailureReason.EXIT_CODE,
        FailureReason.TIME_LIMIT,
        FailureReason.MEMORY_LIMIT,
        FailureReason.NO_OUTPUT,
        FailureReason.OUTPUT_LIMIT,
        FailureReason.BAD_OUTPUT_ENTRY,
        FailureReason.BAD_OUTPUT,
        FailureReason.UNFINISHED,
        # An output can be written so that the scorer fails on it, or gives no number.
        FailureReason.BAD_SCORES,
        FailureReason.SCORER_FAILED,
    }
)
"""What a program can bring about once it has read private data."""

SPARED = 3
"""Failures of one team in a sealed phase that do not count, of whatever kind, while its scorer has never given a score."""

DEFAULT_STEP = timedelta(minutes=5)


def disclosed_reason(reason: FailureReason, *, sealed: bool) -> FailureReason:
    """Return the reason that a team is shown."""
    return FailureReason.NO_RESULT if sealed and reason in AFTER_DATA else reason


def counts(reason: FailureReason, *, sealed: bool) -> bool:
    """Return whether a failure counts against the team's limits.

    Not counting would tell which failure it was, and give whoever provokes it tries without end.
    """
    return FAILURES[disclosed_reason(reason, sealed=sealed)].counts


def counted_apart(*, sealed: bool) -> frozenset[FailureReason]:
    """Return the failures that ``failed_per_day`` counts: a team's own, and of a sealed phase those that it is shown.

    What the private data can have brought about counts like a score there: a program could else choose, by failing,
    which limit an answer is taken from, and have more answers than ``total``.
    """
    own = frozenset(reason for reason, failure in FAILURES.items() if failure.counts)
    return own - AFTER_DATA if sealed else own


def disclosed_state(
    kind: SubmissionKind,
    state: EvaluationState,
    *,
    sealed: bool,
    reason: FailureReason | None = None,
) -> EvaluationState:
    """Return the state that a team is shown: running and scoring look alike, and what staff look into has failed."""
    if not sealed:
        return state
    if state is EvaluationState.SCORING and kind is not SubmissionKind.RESULTS:
        return EvaluationState.RUNNING
    if state is EvaluationState.HELD and reason in AFTER_DATA:
        return EvaluationState.FAILED
    return state


def disclosed_timeline(
    happened: Sequence[Happened], *, sealed: bool, step: timedelta
) -> list[Happened]:
    """Return what is disclosed to a team of the way: nothing of the scoring, and when it ended coarsely."""
    if not sealed:
        return list(happened)
    happened = _without_staff(happened)
    entered = {one.state: one.at for one in reversed(happened)}
    began = entered.get(EvaluationState.RUNNING) or entered.get(EvaluationState.SCORING)
    has_run = EvaluationState.RUNNING in entered
    return [
        Happened(state=one.state, at=round_up_to_step(began, one.at, step), is_coarse=True)
        if began and one.state.is_final
        else one
        for one in happened
        if not (has_run and one.state is EvaluationState.SCORING)
    ]


def _without_staff(happened: Sequence[Happened]) -> list[Happened]:
    """Return a way on which what has run and was set aside has failed at that moment, and not once more later."""
    way: list[Happened] = []
    has_run = False
    for one in happened:
        has_run |= one.state in {EvaluationState.RUNNING, EvaluationState.SCORING}
        is_failure = one.state is EvaluationState.FAILED or (
            has_run and one.state is EvaluationState.HELD
        )
        if not is_failure:
            way.append(one)
        elif not (way and way[-1].state is EvaluationState.FAILED):
            way.append(replace(one, state=EvaluationState.FAILED))
    return way


def round_up_to_step(began: datetime, ended: datetime, step: timedelta) -> datetime:
    """Return the first moment from ``ended`` on that is a whole number of steps after ``began``.

    However short it was, a run takes one step.
    """
    taken = max(1, math.ceil((ended - began) / step))
    return began + taken * step
