"""Columns and boards as organisers write them: what can be said, what cannot, and where a mistake stands."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from site_config.authoring.advice import advice
from site_config.bundle import read_bundle, settings_of
from site_config.challenge import Challenge
from site_config.errors import SettingsError
from site_config.leaderboards.references import references
from tests.unit.site_config.good_files import CHALLENGE

Change = Callable[[dict[str, Any]], object]

REVEAL = "2027-03-01T00:00Z"
BIC_MAC = """
columns:
  - {key: sens, task: cells, sort: desc, min: 0, max: 1}
  - {key: spec, task: cells, sort: desc, min: 0, max: 1}
  - {key: dist, task: cells, sort: asc, precision: 1, unit: mm, min: 0, max: 500}
boards:
  - {id: main, phases: [dev], rank: {mean_rank: [sens, spec, dist]}, counts: last}
"""
WEIGHTED = """
columns:
  - {key: auc, min: 0, max: 1}
  - {key: f1, min: 0, max: 1}
  - {key: total, title: Total, compute: {weighted: {auc: 0.7, f1: 0.3}}}
boards:
  - {id: main, phases: [dev], rank: {by: total, ties: [auc]}}
"""
CHOSEN = """
columns:
  - {key: a_dev, task: cells, from: dice, min: 0, max: 1}
  - {key: a_test, task: hidden, from: dice, min: 0, max: 1, private: true}
  - {key: b_test, task: hidden, from: f1, min: 0, max: 1, private: true}
  - {key: mean, compute: {mean: [a_test, b_test]}}
boards:
  - {id: public, phases: [dev], rank: {by: a_dev}, audience: everybody, eligible: {not: organisers}}
  - {id: final, phases: [dev], rank: {by: mean}, counts: chosen, picks: 2, compare: public, reveal: 2027-03-01T00:00Z}
"""
PERIODS = """
columns:
  - {key: skill, min: 0, max: 1}
boards:
  - {id: total, title: All periods, phases: [dev, second], rank: {by: skill}}
  - {id: dev, phases: [dev], rank: {by: skill}, freeze: 2026-12-20T00:00Z}
  - {id: second, phases: [second], rank: {by: skill}, anonymous: 2027-03-01T00:00Z, counts: best_of_last, of_last: 3}
"""
COURSE = """
columns:
  - {key: points, precision: 0, min: 0, max: 100}
boards:
  - {id: own, phases: [dev], rank: {by: points}, audience: own, counts: all}
"""


def _written(boards: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(CHALLENGE)
    del settings["leaderboard"]
    settings |= yaml.load(boards, Loader=yaml.BaseLoader)  # noqa: S506 - keeps times as they are written
    phase = {**settings["phases"][0]}
    phase |= {"start": "2026-12-01T00:00Z", "end": "2027-01-31T23:59Z"}
    settings["phases"] = [phase]
    if "hidden" in boards:
        settings["tasks"]["hidden"] = copy.deepcopy(settings["tasks"]["cells"])
        phase["tasks"] = ["cells", "hidden"]
    if "second" in boards:
        settings["phases"].append({**copy.deepcopy(phase), "id": "second"})
    return settings


def _text(settings: dict[str, Any]) -> str:
    # As JSON, in which nothing refers to what stands elsewhere.
    return json.dumps(settings, indent=1)


def _challenge(settings: dict[str, Any]) -> Challenge:
    return settings_of(_text(settings))


@pytest.mark.parametrize("boards", [BIC_MAC, WEIGHTED, CHOSEN, PERIODS, COURSE])
def test_real_rules_can_be_said(boards: str) -> None:
    challenge = _challenge(_written(boards))

    assert list(references(challenge)) == []
    assert challenge.scores == challenge.columns


def test_what_is_worked_out_from_private_columns_is_private_and_shown_with_the_last_of_them() -> (
    None
):
    settings = _written(CHOSEN)
    settings["columns"][1]["reveal"] = "2027-04-01T00:00Z"
    challenge = _challenge(settings)

    assert [challenge.is_private(one.key) for one in challenge.columns] == [False, True, True, True]
    assert challenge.reveal_of("b_test") == datetime(2027, 3, 1, tzinfo=UTC)
    assert challenge.reveal_of("mean") == datetime(2027, 4, 1, tzinfo=UTC)


def test_without_a_reveal_a_private_column_is_never_shown() -> None:
    settings = _written(CHOSEN)
    del settings["boards"][1]["reveal"]
    challenge = _challenge(settings)

    assert challenge.reveal_of("mean") is None
    said = [text for _, text in advice(challenge, datetime(2026, 12, 1, tzinfo=UTC))]
    assert "has private columns and no 'reveal': teams never see them" in said


def test_the_short_form_has_the_same_columns() -> None:
    challenge = settings_of(CHALLENGE)

    assert [column.key for column in challenge.scores] == ["f1", "loss"]
    assert challenge.reveal_of("f1") is None


def _column(n: int, **values: Any) -> Change:
    return lambda d: d["columns"][n].update(values)


def _board(n: int, **values: Any) -> Change:
    return lambda d: d["boards"][n].update(values)


FORM = {
    "both": (WEIGHTED, lambda d: d.update(leaderboard={"columns": [{"key": "f1", "primary": True}]}),
             "needs either 'leaderboard' or 'columns' and 'boards'"),
    "neither": (WEIGHTED, lambda d: (d.pop("boards"), d.pop("columns")),
                "needs either 'leaderboard' or 'columns' and 'boards'"),
    "no columns": (WEIGHTED, lambda d: d.pop("columns"), "'columns' and 'boards' need each other"),
    "primary": (WEIGHTED, _column(0, primary=True),
                "'primary' belongs to 'leaderboard': each board says what it ranks by"),
    "two ways": (WEIGHTED, _column(2, compute={"sum": ["auc"], "mean": ["f1"]}),
                 "needs exactly one way, such as 'mean', with the keys of columns"),
    "no way": (WEIGHTED, _column(2, compute={}),
               "needs exactly one way, such as 'mean', with the keys of columns"),
    "twice": (WEIGHTED, _column(2, compute={"sum": ["auc", "auc"]}), "names the same column twice"),
    "task of computed": (WEIGHTED, _column(2, task="cells"),
                         "'compute' goes without 'task' and 'from': other columns give it"),
    "reveal of public": (WEIGHTED, _column(0, reveal=REVEAL), "'reveal' belongs to 'private: true'"),
    "rank by nothing": (WEIGHTED, _board(0, rank={}), "needs either 'by' or 'mean_rank'"),
    "ties of a mean": (WEIGHTED, _board(0, rank={"mean_rank": ["auc"], "ties": ["f1"]}),
                       "'ties' belongs to 'by'"),
    "picks": (WEIGHTED, _board(0, picks=2), "'picks' belongs to 'counts: chosen'"),
    "of_last": (WEIGHTED, _board(0, counts="best_of_last"), "'counts: best_of_last' needs 'of_last'"),
    "ladder of last": (WEIGHTED, _board(0, ladder={"eta": 0.1}, counts="last"),
                       "'ladder' needs 'counts: best' and 'rank.by'"),
    "phase twice": (WEIGHTED, _board(0, phases=["dev", "dev"]), "names the same phase twice"),
    "compared with itself": (WEIGHTED, _board(0, compare="main"), "'compare' must name another board"),
    "hides what ranks": (WEIGHTED, _board(0, columns=["auc"]), "'columns' must show what ranks: total"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORM)
def test_what_does_not_go_together_is_refused(case: str) -> None:
    boards, change, said = FORM[case]
    settings = _written(boards)
    change(settings)

    with pytest.raises(SettingsError) as refusal:
        _challenge(settings)

    assert said in str(refusal.value)


NAMES = {
    "column twice": (WEIGHTED, _column(1, key="auc"), ("columns", 1, "key"), "there is another column 'auc'"),
    "no input": (WEIGHTED, _column(2, compute={"sum": ["mcc"]}), ("columns", 2, "compute"),
                 "there is no column 'mcc'"),
    "circle": (WEIGHTED, _column(2, compute={"sum": ["total"]}), ("columns", 2, "compute"),
               "'total' would be worked out from itself"),
    "no task": (BIC_MAC, _column(0, task="x"), ("columns", 0, "task"), "there is no task 'x'"),
    "several tasks": (CHOSEN, lambda d: d["columns"][0].pop("task"), ("columns", 0),
                      "'a_dev' needs a 'task': phase 'dev' has several"),
    "same source": (CHOSEN, _column(2, **{"from": "dice"}), ("columns", 2),
                    "'dice' of the same task is another column already"),
    "board twice": (PERIODS, _board(1, id="total"), ("boards", 1, "id"), "there is another board 'total'"),
    "no phase": (PERIODS, _board(0, phases=["dev", "third"]), ("boards", 0, "phases", 1),
                 "there is no phase 'third'"),
    "rank by none": (WEIGHTED, _board(0, rank={"by": "mcc"}), ("boards", 0, "rank"),
                     "there is no column 'mcc'"),
    "shows none": (WEIGHTED, _board(0, columns=["total", "auc", "mcc"]), ("boards", 0, "columns", 2),
                   "there is no column 'mcc'"),
    "compared with none": (WEIGHTED, _board(0, compare="x"), ("boards", 0, "compare"),
                           "there is no board 'x'"),
    "another phase's task": (CHOSEN, lambda d: d["phases"][0].update(tasks=["cells"]),
                             ("boards", 1, "rank"), "needs task 'hidden', which phase 'dev' does not have"),
    "chosen among private": (CHOSEN, lambda d: d["boards"][1].pop("compare"), ("boards", 1, "counts"),
                             "'chosen' needs 'compare' with a board that ranks by public columns: without a choice the best there counts"),
    "ladder beside another": (PERIODS, _board(1, ladder={"eta": 0.1}), ("boards", 1, "ladder"),
                              "another board would show what it hides: phase 'dev' is on both"),
    "fine ladder": (WEIGHTED, _board(0, ladder={"eta": 0.0001}), ("boards", 0, "ladder"),
                    "'eta' must not be finer than the digits that the ranking column shows"),
}  # fmt: skip


@pytest.mark.parametrize("case", NAMES)
def test_what_is_named_has_to_be_there(case: str) -> None:
    boards, change, place, said = NAMES[case]
    settings = _written(boards)
    change(settings)

    assert (place, said) in list(references(_challenge(settings)))


@pytest.mark.parametrize("case", NAMES)
def test_a_mistake_of_names_is_found_with_its_line(case: str, tmp_path: Path) -> None:
    boards, change, _, said = NAMES[case]
    settings = _written(boards)
    change(settings)
    file = tmp_path / "challenge.yaml"
    file.write_text(_text(settings))

    found = [one for one in read_bundle(tmp_path).problems() if one.message == said]

    assert found[0].line is not None
