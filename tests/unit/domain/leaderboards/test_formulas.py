"""Columns that are worked out from others, over all tasks of a submission."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.formulas import Formula, Operation, formula_from
from portal.domain.leaderboards.scores import Column, exact

SCORES = {"a": 4.0, "b": 1.0, "c": -2.0, "zero": 0.0}


def _formula(operation: str, *keys: str, **weights: float) -> Formula:
    return Formula(operation=Operation(operation), weights=weights or dict.fromkeys(keys, 1.0))


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (_formula("weighted", a=0.75, c=0.5), 2.0),
        (_formula("sum", "a", "b", "c"), 3.0),
        (_formula("mean", "a", "b", "c"), 1.0),
        (_formula("min", "a", "b", "c"), -2.0),
        (_formula("max", "a", "b", "c"), 4.0),
        (_formula("geometric_mean", "a", "b"), 2.0),
        (_formula("geometric_mean", "a", "zero"), 0.0),
        (_formula("geometric_mean", "a", "c"), None),
        (_formula("mean", "a", "missing"), None),
        (_formula("weighted", a=1e308, b=1e308), None),
    ],
)
def test_a_formula_has_a_value_or_none(formula: Formula, value: float | None) -> None:
    found = formula.value(
        {**SCORES, "b": 1e308} if value is None and "b" in formula.weights else SCORES
    )

    assert found == (value if value is None else pytest.approx(value))
    assert formula_from(formula.as_json()) == formula


def test_nothing_is_no_formula() -> None:
    assert formula_from({}) is None


OPERATIONS = st.sampled_from(sorted(set(Operation) - {Operation.WEIGHTED}))
VALUES = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 100), min_size=1)


@given(operation=OPERATIONS, values=VALUES, key=st.sampled_from("abcd"), more=st.floats(0, 10))
def test_a_larger_score_never_makes_less(operation, values, key, more) -> None:
    formula = _formula(operation, *values)

    before = formula.value(values)
    after = formula.value({**values, key: values.get(key, 0) + more})

    assert after >= before - 1e-9


@given(operation=OPERATIONS, values=VALUES)
def test_a_mean_lies_between_the_smallest_and_the_largest(operation, values) -> None:
    if operation is not Operation.SUM:
        found = _formula(operation, *values).value(values)
        assert min(values.values()) - 1e-9 <= found <= max(values.values()) + 1e-9


@given(values=VALUES, gone=st.sampled_from("abcd"))
def test_without_a_score_there_is_no_value(values, gone) -> None:
    formula = _formula("mean", *values, gone)

    assert formula.value({key: value for key, value in values.items() if key != gone}) is None


def _column(key: str, **values: object) -> Column:
    return Column(key=key, title=key, **values)


def test_two_tasks_can_write_the_same_key() -> None:
    columns = [
        _column("total", formula=_formula("mean", "first", "twice")),
        _column("twice", formula=_formula("weighted", second=2.0)),
        _column("first", task="t1", source="dice"),
        _column("second", task="t2", source="dice"),
        _column("free"),
    ]
    by_task = {"t1": {"dice": 0.5, "free": 7.0}, "t2": {"dice": 0.75}}

    assert exact(by_task, columns) == {
        "first": 0.5,
        "second": 0.75,
        "free": 7.0,
        "twice": 1.5,
        "total": 1.0,
    }
    assert exact({"t1": {"dice": 0.5}}, columns) == {"first": 0.5}


def test_what_goes_in_circles_has_no_value() -> None:
    columns = [
        _column("x", formula=_formula("sum", "y")),
        _column("y", formula=_formula("sum", "x")),
        _column("z"),
    ]

    assert exact({"t": {"z": 1.0}}, columns) == {"z": 1.0}
