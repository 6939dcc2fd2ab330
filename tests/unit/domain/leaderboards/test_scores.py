import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.scores import Column, Sort, rank_value, rounded, shown, written

F1 = Column(key="f1", title="F1", precision=3, primary=True)
LOSS = Column(key="loss", title="Loss", precision=1, sort=Sort.ASCENDING)


@pytest.mark.parametrize(
    ("value", "precision", "expected"),
    [
        (0.12345, 3, 0.123),
        (0.0625, 3, 0.063),
        (0.9825, 3, 0.983),
        (0.7475, 3, 0.748),
        (2.5, 0, 3.0),
        (-0.0625, 3, -0.063),
        (1.005, 2, 1.01),
        (0.1875, 3, 0.188),
        (-0.0001, 3, 0.0),
        (17.0, 0, 17.0),
    ],
)
def test_rounding_is_half_up_on_decimal_digits(value, precision, expected):
    assert rounded(value, precision) == expected


@pytest.mark.parametrize(
    ("value", "precision", "expected"),
    [(0.9825, 3, "0.983"), (0.7475, 3, "0.748"), (0.9, 3, "0.900"), (12.0, 0, "12"), (-1e-9, 3, "0.000"),
     (1e22, 1, "10000000000000000000000.0")],
)  # fmt: skip
def test_a_score_is_written_with_all_digits_of_its_column(value, precision, expected):
    assert written(value, precision) == expected


def test_rounding_never_shows_minus_zero():
    assert math.copysign(1, rounded(-0.0001, 3)) == 1


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 12))
def test_rounding_twice_is_rounding_once(value, precision):
    once = rounded(value, precision)

    assert rounded(once, precision) == once


def test_only_declared_columns_are_shown():
    assert shown({"f1": 0.98765, "secret": 1.0}, [F1, LOSS]) == {"f1": 0.988}


def test_less_is_better_where_the_column_says_so():
    assert rank_value(0.2, LOSS) > rank_value(0.3, LOSS)
    assert rank_value(0.3, F1) > rank_value(0.2, F1)


def test_what_is_not_finite_never_ranks():
    with pytest.raises(ValueError, match="not finite"):
        rank_value(math.nan, F1)
