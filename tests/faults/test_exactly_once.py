"""Whatever fails: every job is done exactly once, every score taken in exactly once, and nobody has to act."""

import secrets

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.findings import Row, rows_of, wrong
from tests.faults.scenes import Played, play_after, play_during, play_killed
from tests.faults.stage import Stage

pytestmark = pytest.mark.faults

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def found(stage: Stage, played: Played, rows: list[Row]) -> list[str]:
    """Return what is wrong with a scene; add its rows if nothing is, so that the table holds no others."""
    problems = wrong(stage, played)
    if not problems:
        rows += rows_of(stage, played)
    return problems


@every_fault
def test_a_fault_before_and_during_sbatch_while_running_and_while_collecting(
    fault: Fault, stage: Stage, rows: list[Row]
) -> None:
    played = play_during(stage, fault)

    assert found(stage, played, rows) == []


@every_fault
def test_a_fault_after_sbatch(fault: Fault, stage: Stage, rows: list[Row]) -> None:
    played = play_after(stage, fault)

    assert found(stage, played, rows) == []


@every_fault
def test_a_fault_with_two_workers_of_which_the_leading_one_is_killed(
    fault: Fault, stage: Stage, rows: list[Row]
) -> None:
    moment = secrets.randbelow(1000) / 1000 * fault.seconds

    played = play_killed(stage, fault, after=moment)

    assert found(stage, played, rows) == [], f"the worker was killed after {moment} s"
