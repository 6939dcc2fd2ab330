"""Comparing a rerun with what it repeats."""

import copy
from typing import Any

import pytest

from portal.domain.evaluations.reruns import ScoreDifference, compare

SEAL: dict[str, Any] = {
    "images": {"submission": "a", "scorer": "b", "probe": "c"},
    "submission": {"weights_sha256": None},
    "data": {"input": {"merkle_root": "d"}, "truth": {"merkle_root": "e"}},
    "predict": {"argv": ["/app/predict"], "nodes": "n1", "profile": "gpu"},
    "score": {
        "argv": ["/app/score"],
        "nodes": "n2",
        "versions": {"apptainer": "1.4.5", "slurm": "24.11", "kernel": "6.1"},
    },
}


def test_the_same_is_the_same() -> None:
    found = compare({"f1": 0.5}, {"f1": 0.5}, (SEAL, copy.deepcopy(SEAL)))

    assert found.is_same
    assert found.circumstances == ()


def test_a_score_that_differs_is_told_with_what_may_explain_it() -> None:
    other = copy.deepcopy(SEAL)
    other["data"]["truth"]["merkle_root"] = "f"
    other["predict"]["nodes"] = "n3"

    found = compare({"f1": 0.5, "loss": 1.0}, {"f1": 0.6, "loss": 1.0}, (SEAL, other))

    assert found.scores == (ScoreDifference(key="f1", before=0.5, now=0.6),)
    assert found.circumstances == ("truth", "node of the program")


@pytest.mark.parametrize(("tolerance", "is_same"), [(0.0, False), (1e-6, True)])
def test_how_near_is_the_same_can_be_said(tolerance: float, is_same: bool) -> None:
    found = compare({"f1": 0.5}, {"f1": 0.5 + 1e-9}, (SEAL, SEAL), tolerance=tolerance)

    assert found.is_same is is_same


def test_a_score_that_is_only_on_one_side_differs() -> None:
    found = compare({"f1": 0.5}, {"loss": 0.5}, (SEAL, SEAL))

    assert [(one.key, one.before, one.now) for one in found.scores] == [
        ("f1", 0.5, None),
        ("loss", None, 0.5),
    ]


def test_a_record_of_before_data_was_measured_can_be_compared() -> None:
    old = copy.deepcopy(SEAL)
    old["data"] = {"input": "cells-test", "truth": "cells-truth"}
    old["predict"] = None

    found = compare({"f1": 0.5}, {"f1": 0.5}, (old, SEAL))

    assert found.is_same
    assert set(found.circumstances) >= {"input", "truth"}
