"""Where the dots of a plot lie."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.scores import Column, Sort
from portal.services.leaderboards.views import Row
from portal.web.rendering.plots import (
    BOTTOM,
    FEWEST,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    rank_plot,
    round_numbers,
)
from tests.support.factories import NOW

F1 = Column(key="f1", title="F1", primary=True, minimum=0, maximum=1)
TIME = Column(key="f1", title="Time", primary=True, sort=Sort.ASCENDING)
numbers = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


def _rows(*values: float) -> list[Row]:
    return [
        Row(
            position=n + 1,
            rank=n + 1,
            team=f"Team {n}",
            scores={"f1": value},
            achieved_at=NOW,
            is_own=False,
            submission_id=None,
        )
        for n, value in enumerate(values)
    ]


@given(numbers, st.floats(min_value=0, max_value=1e6))
def test_round_numbers_enclose_the_values_at_equal_distance(low: float, span: float) -> None:
    ticks = round_numbers(low, low + span)

    slack = 1e-6 * max(1.0, abs(low), span)
    steps = [b - a for a, b in pairwise(ticks)]
    assert 2 <= len(ticks) <= 9
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack
    assert all(math.isclose(step, steps[0], rel_tol=1e-6, abs_tol=slack) for step in steps)


@given(st.lists(numbers, min_size=FEWEST, max_size=50))
def test_every_dot_lies_inside_the_frame(values: list[float]) -> None:
    plot = rank_plot(_rows(*values), TIME)

    assert plot is not None
    for dot in plot.dots:
        assert LEFT - 0.1 <= dot.x <= WIDTH - RIGHT + 0.1
        assert TOP - 0.5 <= dot.y <= HEIGHT - BOTTOM + 0.5


def test_better_scores_lie_higher_and_the_axis_keeps_to_the_columns_bounds() -> None:
    plot = rank_plot(_rows(0.99, 0.95, 0.9, 0.81), F1)

    assert plot is not None
    assert [dot.y for dot in plot.dots] == sorted(dot.y for dot in plot.dots)
    assert [tick.text for tick in plot.y_ticks] == ["0.75", "0.80", "0.85", "0.90", "0.95", "1.00"]
    assert plot.better == "higher is better"


def test_equal_scores_can_be_plotted() -> None:
    plot = rank_plot(_rows(0.5, 0.5, 0.5, 0.5), F1)

    assert plot is not None
    assert len({dot.y for dot in plot.dots}) == 1


@pytest.mark.parametrize("rows", [[], _rows(0.5), _rows(0.9, 0.8, 0.7)])
def test_a_few_scores_are_no_plot(rows: list[Row]) -> None:
    assert rank_plot(rows, F1) is None


def test_of_many_places_only_some_are_named() -> None:
    plot = rank_plot(_rows(*[1 - n / 100 for n in range(50)]), F1)

    assert plot is not None
    assert [tick.text for tick in plot.x_ticks] == [str(n) for n in range(1, 51, 5)]
