"""What a submission of a dry run is judged as."""

from typing import Any

import pytest

from portal.domain.challenges.dry_runs import (
    Ending,
    Expectation,
    Range,
    Trial,
    TrialRole,
    Verdict,
    check_may_accept,
    judge,
    summary_of,
    words_of,
)
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.scores import Column, Sort

E, F = EvaluationState, FailureReason
DICE = (Column(key="dice", title="Dice", precision=2, primary=True),)
LOSS = (Column(key="dice", title="Loss", precision=2, primary=True, sort=Sort.ASCENDING),)


def _scored(role: TrialRole, value: float, phase: str = "dev", **expected: Any) -> Trial:
    ending = Ending(state=E.SCORED, scores={"dice": value})
    return Trial(role=role, expected=Expectation(**expected), ending=ending, phase=phase)


def _ended(role: TrialRole, state: E, reason: F | None = None, **expected: Any) -> Trial:
    ending = Ending(state=state, reason=reason)
    return Trial(role=role, expected=Expectation(**expected), ending=ending, phase="dev")


BASE = _scored(TrialRole.BASELINE, 0.6, outcome="scored")


def _of(trial: Trial, *others: Trial, columns: Any = DICE, accepted: bool = False) -> Verdict:
    return judge([*others, trial], columns, accepted=accepted)[-1].verdict


@pytest.mark.parametrize(
    ("trial", "verdict"),
    [
        (_scored(TrialRole.SAMPLE, 0.5, outcome="scored"), Verdict.RIGHT),
        (_scored(TrialRole.SAMPLE, 0.5, outcome="exit_code"), Verdict.WRONG),
        (_scored(TrialRole.SAMPLE, 0.5, bounds={"dice": Range(minimum=0.5)}), Verdict.RIGHT),
        (_scored(TrialRole.SAMPLE, 0.5, bounds={"dice": Range(maximum=0.4)}), Verdict.WRONG),
        (_scored(TrialRole.SAMPLE, 0.5, bounds={"f1": Range(maximum=0.4)}), Verdict.WRONG),
        (_ended(TrialRole.SAMPLE, E.FAILED, F.EXIT_CODE, outcome="exit_code"), Verdict.RIGHT),
        (_ended(TrialRole.SAMPLE, E.FAILED, F.TIME_LIMIT, outcome="exit_code"), Verdict.WRONG),
        (_ended(TrialRole.SAMPLE, E.FAILED, F.EXIT_CODE, outcome="scored"), Verdict.WRONG),
        (_ended(TrialRole.SAMPLE, E.FAILED, F.INFRASTRUCTURE, outcome="scored"), Verdict.WRONG),
        (_ended(TrialRole.SAMPLE, E.CANCELLED, outcome="scored"), Verdict.WRONG),
        (_ended(TrialRole.SAMPLE, E.HELD, F.LOST, outcome="scored"), Verdict.PENDING),
        (_ended(TrialRole.SAMPLE, E.RUNNING, outcome="scored"), Verdict.PENDING),
        (_ended(TrialRole.ATTACK, E.FAILED, F.BAD_OUTPUT), Verdict.RIGHT),
        (_ended(TrialRole.ATTACK, E.FAILED, F.SCORER_FAILED), Verdict.WRONG),
        (_ended(TrialRole.ATTACK, E.FAILED, F.BAD_SCORES), Verdict.WRONG),
        (_ended(TrialRole.ATTACK, E.CANCELLED), Verdict.WRONG),
        (_scored(TrialRole.ATTACK, 0.1, may_score=False), Verdict.WRONG),
        (_scored(TrialRole.ATTACK, 0.9), Verdict.RIGHT),
    ],
)
def test_each_is_judged_by_itself(trial: Trial, verdict: Verdict) -> None:
    assert _of(trial) is verdict


@pytest.mark.parametrize(
    ("value", "columns", "verdict"),
    [
        (0.5, DICE, Verdict.RIGHT),
        (0.7, DICE, Verdict.WRONG),
        (0.6, DICE, Verdict.WRONG),
        # As people see them they are the same.
        (0.596, DICE, Verdict.WRONG),
        (0.7, LOSS, Verdict.RIGHT),
        (0.5, LOSS, Verdict.WRONG),
    ],
)
def test_a_cheat_must_stay_below_the_worst_baseline(
    value: float, columns: Any, verdict: Verdict
) -> None:
    best = _scored(TrialRole.BASELINE, 0.9 if columns is DICE else 0.1, outcome="scored")

    assert _of(_scored(TrialRole.ATTACK, value), BASE, best, columns=columns) is verdict


def test_a_cheat_is_compared_within_its_phase_where_that_has_a_baseline() -> None:
    low, high = (
        _scored(TrialRole.BASELINE, v, p, outcome="scored")
        for v, p in ((0.2, "dev"), (0.8, "final"))
    )

    assert _of(_scored(TrialRole.ATTACK, 0.5, "final"), low, high) is Verdict.RIGHT
    assert _of(_scored(TrialRole.ATTACK, 0.5, "other"), low, high) is Verdict.WRONG


def test_a_cheat_waits_for_the_baselines() -> None:
    running = _ended(TrialRole.BASELINE, E.RUNNING, outcome="scored")

    assert _of(_scored(TrialRole.ATTACK, 0.5), running) is Verdict.PENDING


def test_only_what_cheats_gain_can_be_accepted() -> None:
    cheat = _scored(TrialRole.ATTACK, 0.9)
    wrong = _ended(TrialRole.SAMPLE, E.FAILED, F.EXIT_CODE, outcome="scored")

    assert _of(cheat, BASE, accepted=True) is Verdict.ACCEPTED
    assert _of(wrong, BASE, accepted=True) is Verdict.WRONG
    check_may_accept([BASE, cheat], judge([BASE, cheat], DICE, accepted=False))
    for trials in (
        [BASE],
        [BASE, cheat, wrong],
        [BASE, cheat, _ended(TrialRole.ATTACK, E.RUNNING)],
    ):
        with pytest.raises(ParticipantError):
            check_may_accept(trials, judge(trials, DICE, accepted=False))


def test_nothing_is_wrong_before_all_has_ended() -> None:
    wrong = _ended(TrialRole.SAMPLE, E.FAILED, F.EXIT_CODE, outcome="scored")
    running = _ended(TrialRole.SAMPLE, E.RUNNING, outcome="scored")
    cheat = _scored(TrialRole.ATTACK, 0.9)

    def verdict(*trials: Trial, accepted: bool = False) -> Verdict:
        return summary_of(judge(trials, DICE, accepted=accepted))

    assert verdict(wrong, running) is Verdict.PENDING
    assert verdict(wrong, BASE) is Verdict.WRONG
    assert verdict(BASE, cheat, accepted=True) is Verdict.ACCEPTED
    assert verdict(BASE) is Verdict.RIGHT
    assert verdict() is Verdict.RIGHT


@pytest.mark.parametrize(
    ("expected", "role", "words"),
    [
        (Expectation(outcome="scored"), TrialRole.BASELINE, "Any score"),
        (Expectation(outcome="time_limit"), TrialRole.SAMPLE, "It ran out of time (time_limit)"),
        (Expectation(bounds={"dice": Range(minimum=0.5)}), TrialRole.SAMPLE, "dice at least 0.50"),
        (Expectation(bounds={"dice": Range(maximum=0.5)}), TrialRole.SAMPLE, "dice at most 0.50"),
        (Expectation(bounds={"dice": Range(minimum=0, maximum=1)}), TrialRole.SAMPLE, "dice from 0.00 to 1.00"),
        (Expectation(may_score=False), TrialRole.ATTACK, "No score"),
        (Expectation(), TrialRole.ATTACK, "No score, or one worse than the baselines"),
    ],
)  # fmt: skip
def test_what_is_expected_is_said(expected: Expectation, role: TrialRole, words: str) -> None:
    assert words_of(expected, role, DICE) == words
