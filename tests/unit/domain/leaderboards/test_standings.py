"""What stands and who is at which rank, whatever is marked: each property holds for any results."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.marks import FORGOTTEN, OFF_THE_BOARD, Mark
from portal.domain.leaderboards.ranking import Ranking, ranks
from portal.domain.leaderboards.scores import Column, Rule, Sort
from portal.domain.leaderboards.standings import Board, Scored, Standings, Stands, settle

START = datetime(2026, 11, 1, tzinfo=UTC)
ACCURACY = Column(key="a", title="A", precision=3, minimum=0, maximum=1, primary=True)
LOSS = Column(
    key="a", title="A", precision=3, minimum=0, maximum=1, primary=True, sort=Sort.ASCENDING
)
LADDER = Board(columns=[ACCURACY], rule=Rule.BEST, ladder=Ladder(eta=0.01))


def _board(rule: Rule = Rule.BEST, column: Column = ACCURACY) -> Board:
    return Board(columns=[column], rule=rule, of_last=20)


def _results(*values: float, **marks: Mark) -> list[Scored]:
    """Name the results s0, s1 ... in the order in which they came."""
    return [
        Scored(
            submission_id=f"s{n}",
            exact={"a": value},
            created_at=START + timedelta(hours=n),
            marks=frozenset({marks[f"s{n}"]} if f"s{n}" in marks else ()),
        )
        for n, value in enumerate(values)
    ]


def _stands(results: Sequence[Scored], board: Board) -> Stands | None:
    """Return the first of what stands for the team."""
    return next(iter(settle(results, board).rows()), None)


def _standing(results: Sequence[Scored], board: Board) -> tuple[str, float, bool] | None:
    stands = _stands(results, board)
    return stands and (stands.submission_id, stands.scores["a"], stands.is_ranked)


@pytest.mark.parametrize("mark", sorted(OFF_THE_BOARD))
@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [(Rule.BEST, "s1", "s2"), (Rule.LAST, "s3", "s2"), (Rule.CHOSEN, "s1", "s2")],
)
def test_the_next_stands_for_what_is_off_the_board(mark, rule, before, after) -> None:
    values = (0.7, 0.9, 0.8, 0.6)

    assert _standing(_results(*values), _board(rule))[0] == before
    assert _standing(_results(*values, **{before: mark}), _board(rule))[0] == after


@pytest.mark.parametrize("board", [_board(), _board(Rule.LAST), LADDER])
def test_what_is_older_than_the_column_that_ranks_stands_for_nobody(board: Board) -> None:
    old = Scored(submission_id="old", exact={"b": 0.9}, created_at=START)

    assert _stands([old], board) is None
    assert _standing([old, *_results(0.7)], board)[0] == "s0"


def test_nothing_stands_when_everything_is_off_the_board() -> None:
    assert _standing(_results(0.7, s0=Mark.WITHDRAWN), _board()) is None


@pytest.mark.parametrize("rule", sorted(set(Rule) - {Rule.ALL}))
def test_what_has_a_rank_goes_before_what_has_none(rule) -> None:
    for n in range(3):
        results = [
            one if one.submission_id == f"s{n}" else _unranked(one)
            for one in _results(0.7, 0.9, 0.8)
        ]
        assert _standing(results, _board(rule))[::2] == (f"s{n}", True)


def test_without_another_an_unranked_one_stands_without_a_rank() -> None:
    assert _standing(_results(0.7, s0=Mark.UNRANKED), _board()) == ("s0", 0.7, False)


def test_a_verified_one_stands_as_such() -> None:
    assert settle(_results(0.7, s0=Mark.VERIFIED), _board()).stands.is_verified
    assert not settle(_results(0.7, 0.8, s0=Mark.VERIFIED), _board()).stands.is_verified


def _unranked(one: Scored) -> Scored:
    return Scored(
        submission_id=one.submission_id,
        exact=one.exact,
        created_at=one.created_at,
        marks={*one.marks, Mark.UNRANKED},
    )


@pytest.mark.parametrize(
    ("marks", "shown", "stands"),
    [
        pytest.param({}, [0.8, 0.9, 0.9, 0.95], ("s3", 0.95), id="none"),
        pytest.param(
            {"s1": Mark.DISQUALIFIED}, [0.8, 0.9, 0.85, 0.95], ("s3", 0.95), id="forgotten"
        ),
        pytest.param(
            {"s1": Mark.HIDDEN, "s3": Mark.HIDDEN}, [0.8, 0.9, 0.85, 0.95], ("s2", 0.85), id="both"
        ),
        pytest.param({"s3": Mark.WITHDRAWN}, [0.8, 0.9, 0.9, 0.95], ("s1", 0.9), id="withdrawn"),
        pytest.param(
            {"s3": Mark.WITHDRAWN, "s1": Mark.WITHDRAWN},
            [0.8, 0.9, 0.9, 0.95],
            ("s0", 0.8),
            id="withdrawn again",
        ),
    ],
)
def test_the_ladder_forgets_what_organisers_take_off_and_nothing_that_a_team_withdraws(
    marks, shown, stands
) -> None:
    found = settle(_results(0.8, 0.9, 0.85, 0.95, **marks), LADDER)

    assert [found.shown[f"s{n}"]["a"] for n in range(4)] == shown
    assert (found.stands.submission_id, found.stands.scores["a"]) == stands


VALUES = st.lists(st.sampled_from([n / 50 for n in range(51)]) | st.floats(0, 1), max_size=12)
MARKS = st.frozensets(st.sampled_from(list(Mark)), max_size=2)
RULES = st.sampled_from(sorted(set(Rule) - {Rule.ALL}))
BOARDS = st.one_of(
    st.builds(_board, RULES, st.sampled_from([ACCURACY, LOSS])),
    st.sampled_from([0.001, 0.01, 0.3]).flatmap(
        lambda eta: st.sampled_from([ACCURACY, LOSS]).map(
            lambda one: Board(columns=[one], rule=Rule.BEST, ladder=Ladder(eta=eta))
        )
    ),
)


@st.composite
def _marked(draw: st.DrawFn) -> list[Scored]:
    values = draw(VALUES)
    marks = draw(st.lists(MARKS, min_size=len(values), max_size=len(values)))
    return [
        Scored(
            submission_id=one.submission_id,
            exact=one.exact,
            created_at=one.created_at,
            marks=mark,
        )
        for one, mark in zip(_results(*values), marks, strict=True)
    ]


def _without(results: Sequence[Scored], *gone: Mark) -> list[Scored]:
    return [
        Scored(
            submission_id=one.submission_id,
            exact=one.exact,
            created_at=one.created_at,
            marks=frozenset(one.marks) - set(gone),
        )
        for one in results
    ]


@given(results=_marked(), board=BOARDS)
def test_one_after_the_other_leads_to_the_same_as_all_at_once(results, board) -> None:
    one_by_one = Standings(board=board)
    for one in results:
        one_by_one.add(one)

    assert one_by_one == settle(results, board)


@given(values=VALUES, board=BOARDS.filter(lambda one: one.is_incremental))
def test_without_marks_what_stands_is_all_that_has_to_be_known(values, board) -> None:
    """So a new result is one step, and not all of them again."""
    results = _results(*values)
    step = Standings(board=board)
    for one in results:
        stands = step.stands
        last = stands.scores if stands else None
        step = Standings(board=board, stands=stands, last=last, last_of_all=last)
        step.add(one)

    assert step.stands == _stands(results, board)


@given(results=_marked(), board=BOARDS)
def test_what_stands_is_on_the_board_and_ranked_if_anything_is(results, board) -> None:
    stands = _stands(results, board)
    left = [one for one in results if not OFF_THE_BOARD & set(one.marks)]

    if stands is None:
        assert not left or board.ladder is not None
        return
    marks = next(one.marks for one in results if one.submission_id == stands.submission_id)
    assert not OFF_THE_BOARD & set(marks)
    assert stands.is_ranked is (Mark.UNRANKED not in marks)
    if board.ladder is None:
        assert stands.is_ranked is any(Mark.UNRANKED not in one.marks for one in left)


@given(results=_marked(), board=BOARDS)
def test_what_is_forgotten_is_as_if_it_had_never_been_there(results, board) -> None:
    left = [one for one in results if not FORGOTTEN & set(one.marks)]

    with_them, without = settle(results, board), settle(left, board)

    assert with_them.rows() == without.rows()
    assert {key: with_them.shown[key] for key in without.shown} == without.shown


@given(results=_marked(), board=BOARDS)
def test_a_mark_discloses_nothing_of_the_submission_that_has_it(results, board) -> None:
    unmarked = settle(_without(results, *Mark), board).shown

    for one in results:
        if FORGOTTEN & set(one.marks) and board.ladder is not None:
            assert settle(results, board).shown[one.submission_id] == unmarked[one.submission_id]


@given(results=_marked(), board=BOARDS)
def test_withdrawing_shows_a_team_no_score_that_it_was_not_shown(results, board) -> None:
    """Else a team would withdraw what climbed, again and again, and read what the Ladder keeps back."""
    kept = settle(_without(results, Mark.WITHDRAWN), board)
    found = settle(results, board)

    assert found.shown == kept.shown
    for one in found.rows() if board.ladder is not None else ():
        assert one.scores == kept.shown[one.submission_id]


@given(results=_marked(), board=BOARDS)
def test_a_better_unranked_submission_takes_no_rank_from_its_team(results, board) -> None:
    ranked = _without(results, Mark.UNRANKED)
    late = Scored(
        submission_id="late",
        exact={"a": 1.0},
        created_at=START + timedelta(days=9),
        marks={Mark.UNRANKED},
    )

    before, after = _stands(ranked, board), _stands([*ranked, late], board)

    assert before is None or after == before


PLACES = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.booleans()), max_size=20)


@given(places=PLACES, order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_rank(places, order) -> None:
    shuffled = list(enumerate(places))
    order.shuffle(shuffled)

    found = ranks([place for _, place in shuffled])

    assert [rank for _, rank in sorted(zip((n for n, _ in shuffled), found, strict=True))] == (
        ranks(places)
    )


@given(places=PLACES)
def test_ties_share_a_rank_and_the_next_one_is_left_out(places) -> None:
    found = ranks(places)

    for (value, is_ranked), rank in zip(places, found, strict=True):
        better = sum(1 for other, counts in places if counts and other > value)
        assert rank == (better + 1 if is_ranked else None)


@given(places=PLACES, value=st.sampled_from([0.05, 0.1, 0.2, 0.35, 0.4]), at=st.integers(0, 20))
def test_adding_one_without_a_rank_changes_no_rank(places, value, at) -> None:
    more = [*places[:at], (value, False), *places[at:]]

    found = ranks(more)

    assert found.pop(min(at, len(places))) is None
    assert found == ranks(places)


def _picked(*values: float, picks: set[str]) -> list[Scored]:
    return [replace(one, is_picked=one.submission_id in picks) for one in _results(*values)]


@pytest.mark.parametrize(
    ("picks", "stands"),
    [
        pytest.param(set(), ("s1", False), id="none: the best on the other board"),
        pytest.param({"s0"}, ("s0", True), id="one that is not the best"),
        pytest.param({"s0", "s2"}, ("s2", True), id="the best of two"),
    ],
)
def test_of_what_a_team_has_chosen_the_best_counts(picks, stands) -> None:
    board = Board(
        columns=[ACCURACY, Column(key="b", title="B", primary=False)],
        rule=Rule.CHOSEN,
        ranking=Ranking(keys=("b",)),
        otherwise=Ranking(keys=("a",)),
    )
    results = [
        replace(one, exact={**one.exact, "b": b})
        for one, b in zip(_picked(0.7, 0.9, 0.8, picks=picks), (0.1, 0.2, 0.3), strict=True)
    ]

    (found,) = settle(results, board).rows()

    assert (found.submission_id, found.is_picked) == stands


@pytest.mark.parametrize("mark", sorted(OFF_THE_BOARD))
def test_a_choice_that_is_off_the_board_is_as_if_it_had_not_been_made(mark) -> None:
    results = [
        replace(one, marks={mark}) if one.is_picked else one
        for one in _picked(0.7, 0.9, 0.8, picks={"s0"})
    ]

    assert _standing(results, _board(Rule.CHOSEN))[0] == "s1"


@pytest.mark.parametrize(("number", "stands"), [(1, "s3"), (2, "s2"), (3, "s1"), (9, "s1")])
def test_of_the_last_ones_the_best_counts(number, stands) -> None:
    board = Board(columns=[ACCURACY], rule=Rule.BEST_OF_LAST, of_last=number)

    assert _standing(_results(0.7, 0.9, 0.8, 0.6), board)[0] == stands


def test_each_has_a_place_where_all_count() -> None:
    results = _results(0.7, 0.9, 0.8, s1=Mark.HIDDEN)

    rows = settle(results, _board(Rule.ALL)).rows()

    assert [one.submission_id for one in rows] == ["s0", "s2"]


def test_a_team_that_is_not_eligible_has_no_rank() -> None:
    (found,) = settle(_results(0.7), _board(), is_eligible=False).rows()

    assert not found.is_ranked


def test_equal_values_are_decided_by_the_next_column_and_then_by_what_came_first() -> None:
    board = Board(
        columns=[ACCURACY, Column(key="b", title="B", sort=Sort.ASCENDING)],
        rule=Rule.BEST,
        ranking=Ranking(keys=("a", "b")),
    )
    results = [
        replace(one, exact={**one.exact, "b": b})
        for one, b in zip(_results(0.9, 0.9, 0.9, 0.8), (5, 3, 3, 1), strict=True)
    ]

    assert _standing(results, board)[0] == "s1"
