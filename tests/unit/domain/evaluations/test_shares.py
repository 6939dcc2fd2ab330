"""Whose turn it is, and what is left of a budget."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.evaluations.shares import Spent, gpu_count, gpu_hours, in_turn


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [(None, 0), ("gpu", 1), ("gpu:1", 1), ("gpu:4", 4), ("gpu:a100", 1), ("gpu:a100:2", 2),
     ("shard:8", 0)],
)  # fmt: skip
def test_gpus_are_counted_from_the_gres(gres: str | None, gpus: int) -> None:
    assert gpu_count(gres) == gpus


def test_hours_are_gpus_times_time() -> None:
    assert gpu_hours(2, timedelta(minutes=90)) == 3.0


def test_teams_take_turns_and_the_oldest_comes_first() -> None:
    waiting = [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c"), ("b2", "b")]

    assert in_turn(waiting, {}) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_what_runs_counts_as_a_turn_that_was_had() -> None:
    waiting = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")]

    assert in_turn(waiting, {"a": 2}) == ["b1", "b2", "a1", "a2"]


@given(
    st.lists(st.sampled_from("abcd"), max_size=30),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)),
)
def test_nothing_is_lost_and_nobody_overtakes_in_the_own_team(
    teams: list[str], running: dict[str, int]
) -> None:
    waiting = list(enumerate(teams))

    ordered = in_turn([((n, team), team) for n, team in waiting], running)

    assert sorted(ordered) == waiting
    for team in set(teams):
        assert [one for one in ordered if one[1] == team] == [
            one for one in waiting if one[1] == team
        ]


@pytest.mark.parametrize(
    ("budget", "job", "fits", "left"),
    [(None, 100, True, None), (10, 4, True, 4), (10, 4.1, False, 4), (5, 0, False, 0)],
)
def test_reserved_hours_are_not_given_away_twice(
    budget: float | None, job: float, fits: bool, left: float | None
) -> None:
    spent = Spent(used=3, reserved=3)

    assert spent.has_room(budget, job) is fits
    assert spent.left(budget) == left
