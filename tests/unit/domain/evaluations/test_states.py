import itertools

import pytest

from portal.domain.evaluations.states import (
    ATTEMPT_TRANSITIONS,
    EVALUATION_TRANSITIONS,
    IMAGE_TRANSITIONS,
    SNAPSHOT_TRANSITIONS,
    AttemptState,
    EvaluationState,
    ImageState,
    InvalidTransitionError,
    SnapshotState,
    check_transition,
)

TABLES = [
    (EVALUATION_TRANSITIONS, EvaluationState),
    (ATTEMPT_TRANSITIONS, AttemptState),
    (IMAGE_TRANSITIONS, ImageState),
    (SNAPSHOT_TRANSITIONS, SnapshotState),
]
PAIRS = [
    pytest.param(table, start, end, id=f"{states.__name__}-{start}-{end}")
    for table, states in TABLES
    for start, end in itertools.product(states, states)
]


@pytest.mark.parametrize(("table", "start", "end"), PAIRS)
def test_only_listed_steps_are_possible(table, start, end):
    if end in table[start]:
        assert check_transition(table, start, end) is end
    else:
        with pytest.raises(InvalidTransitionError, match=f"from {start} to {end}"):
            check_transition(table, start, end)


@pytest.mark.parametrize(("table", "states"), TABLES)
def test_every_state_has_a_row(table, states):
    assert set(table) == set(states)


@pytest.mark.parametrize(
    "state", [EvaluationState.SCORED, EvaluationState.FAILED, EvaluationState.CANCELLED]
)
def test_an_ended_evaluation_stays_ended(state):
    assert state.is_final


def test_a_lost_attempt_can_never_be_a_success():
    assert ATTEMPT_TRANSITIONS[AttemptState.LOST] == frozenset()


def test_scored_is_reached_through_scoring_alone():
    assert [s for s in EvaluationState if EvaluationState.SCORED in EVALUATION_TRANSITIONS[s]] == [
        EvaluationState.SCORING
    ]
