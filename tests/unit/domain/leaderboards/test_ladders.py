import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.leakage import Channel, bits, rungs
from portal.domain.leaderboards.scores import Column, Sort, rank_value
from portal.domain.submissions.disclosure import DEFAULT_STEP

ACCURACY = Column(key="a", title="A", precision=3, minimum=0, maximum=1, primary=True)
LOSS = Column(
    key="a", title="A", precision=3, minimum=0, maximum=1, primary=True, sort=Sort.ASCENDING
)
OTHER = Column(key="b", title="B", precision=3)
LADDER = Ladder(eta=0.01)


def _climb(column: Column, values: list[float], eta: float = 0.01) -> list[float]:
    shown: list[float] = []
    before = None
    for value in values:
        before = Ladder(eta=eta).shows({"a": value}, [column], before)
        shown.append(before["a"])
    return shown


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        pytest.param(ACCURACY, [0.9, 0.905, 0.91], [0.9, 0.9, 0.9], id="too little"),
        pytest.param(ACCURACY, [0.9, 0.9101, 0.93], [0.9, 0.91, 0.93], id="enough"),
        pytest.param(ACCURACY, [0.9, 0.5, 0.9], [0.9, 0.9, 0.9], id="worse"),
        pytest.param(ACCURACY, [0.8949, 0.999], [0.89, 1.0], id="whole steps"),
        pytest.param(LOSS, [0.3, 0.295, 0.28, 0.5], [0.3, 0.3, 0.28, 0.28], id="less is better"),
    ],
)
def test_what_does_not_climb_shows_what_was_shown(column, values, shown) -> None:
    assert _climb(column, values) == shown


def test_the_other_columns_tell_nothing_either() -> None:
    columns = [ACCURACY, OTHER]
    first = LADDER.shows({"a": 0.9, "b": 1.23456}, columns, None)

    again = LADDER.shows({"a": 0.905, "b": 9.9}, columns, first)

    assert first == {"a": 0.9, "b": 1.235}
    assert again == first


SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=40)
ETA = st.sampled_from([0.001, 0.01, 0.03, 0.1, 0.7])
SENSE = st.sampled_from([ACCURACY, LOSS])


@given(values=SCORES, eta=ETA, column=SENSE)
def test_the_ladder_only_climbs_and_by_no_more_rungs_than_there_are(values, eta, column) -> None:
    shown = _climb(column, values, eta)

    ranks = [rank_value(value, column) for value in shown]
    assert ranks == sorted(ranks)
    assert len(set(shown)) <= rungs(column, eta)


@given(values=SCORES, eta=ETA, column=SENSE)
def test_what_is_shown_is_a_whole_number_of_steps_near_some_score(values, eta, column) -> None:
    for value in _climb(column, values, eta):
        steps = Decimal(repr(value)) / Decimal(repr(eta))
        near = min(abs(value - exact) for exact in values)
        assert value in {0.0, 1.0} or abs(steps - round(steps)) < Decimal("1e-9")
        assert near <= eta / 2 + 1e-12


@given(values=SCORES, more=st.floats(0, 0.0099), column=SENSE)
def test_repeating_a_score_with_small_changes_shows_the_same(values, more, column) -> None:
    shown = _climb(column, values)
    last = shown[-1]
    better = last + more if column.sort is Sort.DESCENDING else last - more

    assert _climb(column, [*values, better])[-1] == last


def _channel(**changes) -> Channel:
    values = {
        "columns": [ACCURACY],
        "sealed": True,
        "time_limit": DEFAULT_STEP * 12,
        "time_step": DEFAULT_STEP,
        "held": True,
        "attempts": 100,
        "eta": None,
    }
    return Channel(**values | changes)


def test_an_answer_carries_what_it_can_be_told_apart_by() -> None:
    found = bits(_channel())

    # 1001 scores and one failure, and 12 times at which it can end.
    assert found.each == math.log2(1002 * 12)
    assert found.in_all == 100 * found.each


@pytest.mark.parametrize(
    "more", [{"sealed": False}, {"held": False}, {"columns": [ACCURACY, OTHER]}], ids=str
)
def test_whatever_tells_more_carries_more(more) -> None:
    assert bits(_channel(**more)).each > bits(_channel()).each


def test_the_ladder_carries_less_and_no_limit_has_no_bound() -> None:
    alone = {"time_limit": DEFAULT_STEP}

    assert bits(_channel(**alone, eta=0.01)).in_all < bits(_channel(**alone)).in_all / 2
    assert bits(_channel(attempts=None)).in_all is None
    assert bits(_channel(columns=[])).scores == 0
