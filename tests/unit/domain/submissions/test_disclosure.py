from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import (
    AFTER_DATA,
    counts,
    disclosed_reason,
    disclosed_state,
    disclosed_timeline,
    round_up_to_step,
)
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.timeline import Happened

E = EvaluationState
BEGAN = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=5)


def test_whatever_the_data_can_bring_about_is_told_as_one() -> None:
    reasons = {disclosed_reason(reason, sealed=True) for reason in AFTER_DATA}
    counting = {counts(reason, sealed=True) for reason in AFTER_DATA}

    assert reasons == {FailureReason.NO_RESULT}
    assert counting == {True}


def test_what_happens_before_the_data_is_read_is_told_as_it_is() -> None:
    before = set(FailureReason) - AFTER_DATA

    assert {disclosed_reason(reason, sealed=True) for reason in before} == before
    assert [counts(reason, sealed=True) for reason in before] == [
        FAILURES[reason].counts for reason in before
    ]


@pytest.mark.parametrize("reason", FailureReason)
def test_nothing_is_hidden_where_the_data_is_no_secret(reason: FailureReason) -> None:
    assert disclosed_reason(reason, sealed=False) is reason
    assert counts(reason, sealed=False) is FAILURES[reason].counts


@pytest.mark.parametrize("kind", SubmissionKind)
def test_only_scoring_looks_like_something_else(kind: SubmissionKind) -> None:
    changed = {state for state in E if disclosed_state(kind, state, sealed=True) is not state}

    assert changed == (set() if kind is SubmissionKind.RESULTS else {E.SCORING})


def _went(*states: E, minutes: float = 1) -> list[Happened]:
    return [
        Happened(state=state, at=BEGAN + n * timedelta(minutes=minutes))
        for n, state in enumerate(states)
    ]


def test_the_scoring_is_no_step_and_the_end_is_at_a_whole_step() -> None:
    happened = _went(E.RUNNING, E.SCORING, E.SCORED)

    assert disclosed_timeline(happened, sealed=True, step=STEP) == [
        Happened(state=E.RUNNING, at=BEGAN),
        Happened(state=E.SCORED, at=BEGAN + STEP, is_coarse=True),
    ]
    assert disclosed_timeline(happened, sealed=False, step=STEP) == happened


def test_a_failure_in_the_run_and_one_in_the_scoring_look_alike() -> None:
    in_run = [*_went(E.RUNNING), Happened(state=E.FAILED, at=BEGAN + timedelta(minutes=1))]
    in_scoring = [
        *_went(E.RUNNING, E.SCORING, minutes=0),
        Happened(state=E.FAILED, at=BEGAN + timedelta(minutes=4)),
    ]

    assert disclosed_timeline(in_run, sealed=True, step=STEP) == disclosed_timeline(
        in_scoring, sealed=True, step=STEP
    )


def test_results_keep_their_way() -> None:
    happened = _went(E.WAITING, E.SCORING, E.SCORED)

    shown = disclosed_timeline(happened, sealed=True, step=STEP)

    assert [one.state for one in shown] == [E.WAITING, E.SCORING, E.SCORED]
    assert shown[-1].at == BEGAN + timedelta(minutes=6)


@given(taken=st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_run_of_any_length_takes_whole_steps(taken: timedelta) -> None:
    ended = round_up_to_step(BEGAN, BEGAN + taken, STEP)

    assert (ended - BEGAN) % STEP == timedelta(0)
    assert ended >= BEGAN + taken
    assert ended - (BEGAN + taken) <= STEP
    assert ended > BEGAN
