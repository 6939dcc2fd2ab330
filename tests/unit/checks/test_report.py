import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.checks.catalogue import RULES
from portal.checks.report import as_text
from portal.domain.findings import AREAS, Finding, Level, Report, report_from_json

DEVICES = next(rule for rule in RULES if rule.id == "slurm.devices")
SWAP = next(rule for rule in RULES if rule.id == "slurm.swap")
REPORT = Report(
    site="Test site",
    taken_at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
    version="0.1.0",
    profiles=("gpu",),
    jobs="quick",
    complete=True,
    findings=(
        SWAP.holds("ConstrainSwapSpace=yes"),
        DEVICES.broken("ConstrainDevices=no", subject="gpu"),
        SWAP.unchecked("no answer"),
    ),
)


def test_a_report_as_text_has_the_worst_first_and_says_what_to_change() -> None:
    text = as_text(REPORT)

    assert (
        text
        == """\
Slurm

  x FAILURE slurm.devices (gpu): ConstrainDevices=no
            means: Two jobs on one node can use each other's GPUs and read their memory.
            change: cgroup.conf: ConstrainDevices=yes
  ! warning slurm.swap: not checked: no answer
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: cgroup.conf: ConstrainSwapSpace=yes
  + ok      slurm.swap: ConstrainSwapSpace=yes

1 failure, 1 warning. The site must not open like this."""
    )


def test_a_report_comes_back_from_json_as_it_was() -> None:
    written = json.loads(json.dumps(REPORT.as_json()))

    assert report_from_json(written) == REPORT
    assert written["counts"] == {"ok": 1, "warning": 1, "failure": 1}
    assert written["findings"][1] == {
        "id": "slurm.devices",
        "area": "slurm",
        "level": "failure",
        "subject": "gpu",
        "found": "ConstrainDevices=no",
        "meaning": DEVICES.meaning,
        "change": "cgroup.conf: ConstrainDevices=yes",
    }


def test_a_report_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="schema 2"):
        report_from_json(REPORT.as_json() | {"schema": 2})


@pytest.mark.parametrize(
    ("findings", "complete", "code"),
    [
        ((), True, 0),
        ((SWAP.broken("no"),), True, 0),
        ((DEVICES.broken("no"),), True, 1),
        ((DEVICES.broken("no"),), False, 2),
    ],
)
def test_the_exit_code_says_how_bad_it_is(
    findings: tuple[Finding, ...], complete: bool, code: int
) -> None:
    assert replace(REPORT, findings=findings, complete=complete).exit_code == code


def test_rules_have_ids_of_their_own_in_known_areas_and_say_what_to_do() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids)
    assert {id_.partition(".")[0] for id_ in ids} <= AREAS.keys()
    assert [rule.id for rule in RULES if not (rule.title and rule.meaning and rule.change)] == []
    assert [rule.id for rule in RULES if rule.level is Level.OK] == []
