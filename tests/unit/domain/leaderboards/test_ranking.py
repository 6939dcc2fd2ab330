"""Ranks by a column with others that decide between equal values, and by the mean of several ranks: for any scores."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.ranking import Entry, Place, Ranking, places, ranking_from
from portal.domain.leaderboards.scores import Column, Sort

START = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = {
    "a": Column(key="a", title="A"),
    "b": Column(key="b", title="B", sort=Sort.ASCENDING),
    "c": Column(key="c", title="C", primary=True),
}
MEAN = Ranking(keys=("a", "b", "c"), is_mean_rank=True)
TIES = Ranking(keys=("a", "b", "c"))
VALUE = st.sampled_from([0.1, 0.2, 0.3])
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE, st.booleans()), max_size=12)
RANKINGS = st.sampled_from([MEAN, TIES, Ranking(keys=("a",)), Ranking(keys=("b", "a"))])


def _entries(rows: Sequence[tuple[float, float, float, bool]]) -> list[Entry]:
    return [
        Entry(
            id=f"e{n:02}",
            scores={"a": a, "b": b, "c": c},
            achieved_at=START + timedelta(hours=n),
            is_ranked=is_ranked,
        )
        for n, (a, b, c, is_ranked) in enumerate(rows)
    ]


def _by_id(found: Sequence[Place]) -> dict[str, tuple[int | None, float | None]]:
    return {one.entry.id: (one.rank, one.mean_rank) for one in found}


def test_the_mean_of_ranks_is_over_ranks_with_ties() -> None:
    """In a: 1 1 3 4; in b, where less is better: 2 1 2 4; so the means are 1.5, 1, 2.5 and 4."""
    entries = [
        Entry(id=name, scores={"a": a, "b": b}, achieved_at=START)
        for name, a, b in (("p", 0.9, 2), ("q", 0.9, 1), ("r", 0.8, 2), ("s", 0.7, 3))
    ]
    found = places(entries, Ranking(keys=("a", "b"), is_mean_rank=True), COLUMNS)

    assert [(one.entry.id, one.position, one.rank, one.mean_rank) for one in found] == [
        ("q", 1, 1, 1.0),
        ("p", 2, 2, 1.5),
        ("r", 3, 3, 2.5),
        ("s", 4, 4, 4.0),
    ]


def test_equal_means_share_a_rank_and_the_next_is_left_out() -> None:
    entries = [
        Entry(id=name, scores={"a": a, "b": b}, achieved_at=START)
        for name, a, b in (("p", 3, 2), ("q", 2, 1), ("r", 1, 3))
    ]

    found = places(entries, Ranking(keys=("a", "b"), is_mean_rank=True), COLUMNS)

    assert [(one.entry.id, one.rank) for one in found] == [("p", 1), ("q", 1), ("r", 3)]


def test_a_missing_tie_break_is_the_worst_of_equals() -> None:
    without = Entry(id="x", scores={"a": 0.9}, achieved_at=START)
    having = Entry(id="y", scores={"a": 0.9, "b": 100}, achieved_at=START + timedelta(1))

    found = places([without, having], Ranking(keys=("a", "b")), COLUMNS)

    assert [(one.entry.id, one.rank) for one in found] == [("y", 1), ("x", 2)]


@given(rows=ROWS, ranking=RANKINGS, order=st.randoms(use_true_random=False))
def test_the_order_in_which_rows_come_changes_nothing(rows, ranking, order) -> None:
    entries = _entries(rows)
    shuffled = list(entries)
    order.shuffle(shuffled)

    assert places(shuffled, ranking, COLUMNS) == places(entries, ranking, COLUMNS)


@given(rows=ROWS, ranking=RANKINGS)
def test_a_rank_is_one_more_than_ranked_ones_are_before_it(rows, ranking) -> None:
    found = places(_entries(rows), ranking, COLUMNS)

    assert [one.position for one in found] == list(range(1, len(found) + 1))
    ranked = [one.rank for one in found if one.rank is not None]
    assert ranked == sorted(ranked)
    for n, rank in enumerate(ranked):
        assert rank <= n + 1
        assert rank == ranked.index(rank) + 1


@given(rows=ROWS, ranking=RANKINGS)
def test_without_those_that_have_no_rank_all_others_have_the_same(rows, ranking) -> None:
    entries = _entries(rows)

    found = _by_id(places(entries, ranking, COLUMNS))
    alone = _by_id(places([one for one in entries if one.is_ranked], ranking, COLUMNS))

    assert {key: value for key, value in found.items() if value[0] is not None} == alone


@given(rows=ROWS, ranking=RANKINGS, n=st.integers(0, 11), key=st.sampled_from("abc"))
def test_a_better_score_never_worsens_a_rank(rows, ranking, n, key) -> None:
    if n >= len(rows):
        return
    entries = _entries(rows)
    better = {"a": 1.0, "b": 0.0, "c": 1.0}[key]
    one = entries[n]
    improved = Entry(
        id=one.id,
        scores={**one.scores, key: better},
        achieved_at=one.achieved_at,
        is_ranked=one.is_ranked,
    )

    before = _by_id(places(entries, ranking, COLUMNS))[one.id]
    after = _by_id(places([*entries[:n], improved, *entries[n + 1 :]], ranking, COLUMNS))[one.id]

    if before[0] is not None:
        assert after[0] <= before[0]
        assert ranking is not MEAN or after[1] <= before[1]


@pytest.mark.parametrize(
    ("kept", "keys", "is_mean"),
    [
        ({}, ("c",), False),
        ({"by": "a", "ties": ["b"]}, ("a", "b"), False),
        ({"mean_rank": ["a", "b"]}, ("a", "b"), True),
    ],
)
def test_what_the_database_keeps_is_a_ranking(kept, keys, is_mean) -> None:
    found = ranking_from(kept, list(COLUMNS.values()))

    assert (found.keys, found.is_mean_rank) == (keys, is_mean)
    assert ranking_from(found.as_json(), list(COLUMNS.values())) == found
