"""Reading private labels through the score: submit a guess, change it, look what the score does.

The attack is the usual one: keep a change if the shown score rises. How many bits of labels it wins
is measured with and without the defences, and compared with what organisers are shown could leak.
"""

import math
import random
from dataclasses import dataclass
from datetime import timedelta

import pytest

from portal.domain.errors import QuotaExceededError
from portal.domain.leaderboards.ladders import Ladder
from portal.domain.leaderboards.leakage import Channel, bits
from portal.domain.leaderboards.scores import Column, shown
from portal.domain.submissions.limits import Limits, Used, check_quota
from tests.support.factories import NOW

pytestmark = pytest.mark.attack(13)

LABELS = 400
PATIENCE = 2_000
"""Submissions after which an attacker without limits gives up."""
BLOCKS = (1, 8, 16, 32)
"""How many guesses are changed at once; the attacker takes what works best."""


@dataclass
class Leaderboard:
    """Answers as the portal does: a quota, rounding, and perhaps the Ladder."""

    truth: list[bool]
    column: Column
    attempts: int | None = None
    eta: float | None = None
    used: int = 0
    last: dict[str, float] | None = None

    def submit(self, guess: list[bool]) -> float:
        """Return what is shown; raise ``QuotaExceededError``."""
        used = Used(today=0, total=self.used)
        check_quota(Limits(total=self.attempts), used, ends_at=None, now=NOW)
        self.used += 1
        right = sum(one == other for one, other in zip(guess, self.truth, strict=True))
        exact = {self.column.key: right / len(self.truth)}
        if self.eta is None:
            return shown(exact, [self.column])[self.column.key]
        self.last = Ladder(eta=self.eta).shows(exact, [self.column], self.last)
        return self.last[self.column.key]


def _attack(board: Leaderboard, block: int, dice: random.Random) -> list[bool]:
    """Guess, change a block, keep what rises; return the last guess."""
    guess = [dice.random() < 0.5 for _ in board.truth]
    try:
        best = board.submit(guess)
        for n in range(PATIENCE):
            places = {n % LABELS} if block == 1 else set(dice.sample(range(LABELS), block))
            changed = [one != (i in places) for i, one in enumerate(guess)]
            told = board.submit(changed)
            if told > best:
                guess, best = changed, told
    except QuotaExceededError:
        pass
    return guess


def _won(guess: list[bool], truth: list[bool]) -> float:
    """Return the bits of labels in a guess: none where half of them are right, all where all are."""
    right = sum(one == other for one, other in zip(guess, truth, strict=True)) / len(truth)
    if right <= 0.5:
        return 0.0
    rest = 1 - right
    doubt = -sum(p * math.log2(p) for p in (right, rest) if p)
    return len(truth) * (1 - doubt)


def _most(precision: int, attempts: int | None = None, eta: float | None = None) -> float:
    """Return the bits that the best of the attacks wins, in the mean of five tries."""
    column = Column(key="a", title="A", precision=precision, minimum=0, maximum=1, primary=True)
    means = []
    for block in BLOCKS:
        won = 0.0
        for seed in range(5):
            dice = random.Random(seed)  # noqa: S311 - an attack has to be the same each time
            truth = [dice.random() < 0.5 for _ in range(LABELS)]
            board = Leaderboard(truth=truth, column=column, attempts=attempts, eta=eta)
            won += _won(_attack(board, block, dice), truth) / 5
        means.append(won)
    return max(means)


def _told(precision: int, attempts: int, eta: float | None = None) -> float:
    """Return what the organisers' page says could leak by scores alone."""
    column = Column(key="a", title="A", precision=precision, minimum=0, maximum=1, primary=True)
    found = bits(
        Channel(
            columns=[column], sealed=True, time_limit=timedelta(minutes=5),
            time_step=timedelta(minutes=5), held=True, attempts=attempts, eta=eta,
        )
    )  # fmt: skip
    return found.in_all or math.inf


def test_without_limits_the_score_gives_every_label_away() -> None:
    assert _most(precision=12) == LABELS


def test_a_limit_of_submissions_bounds_what_is_won() -> None:
    won = _most(precision=12, attempts=20)

    assert won < 10
    assert won <= _told(precision=12, attempts=20)


def test_fewer_digits_make_the_attack_slower() -> None:
    exact, coarse = _most(precision=12, attempts=100), _most(precision=1, attempts=100)

    assert coarse < exact / 2


def test_the_ladder_stops_it_even_without_a_limit() -> None:
    plain, ladder = _most(precision=3), _most(precision=3, eta=0.05)

    assert plain == LABELS
    assert ladder < LABELS / 20


@pytest.mark.parametrize(
    ("precision", "attempts", "eta"), [(3, 50, None), (3, 50, 0.01), (2, 200, 0.05)]
)
def test_no_attack_wins_more_than_organisers_are_told(
    precision: int, attempts: int, eta: float | None
) -> None:
    assert _most(precision, attempts, eta) <= _told(precision, attempts, eta)


def test_the_ladder_and_a_limit_together_leave_less_than_the_limit_alone() -> None:
    limit = _most(precision=3, attempts=100)
    both = _most(precision=3, attempts=100, eta=0.01)

    assert both < limit / 2 < 15
