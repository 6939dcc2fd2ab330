import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.domain.site.findings import AREAS, Finding, Level, Report, report_from_json
from portal.site_check.catalogue import RULES
from portal.site_check.report import as_text

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
        SWAP.unchecked("no answer in 60 s", change="the cluster"),
        SWAP.left_out("--quick"),
        SWAP.unseen("slurmrestd does not tell"),
    ),
)


def test_a_report_as_text_says_how_much_is_ok_and_the_rest_in_full() -> None:
    files = next(rule for rule in RULES if rule.id == "probe.files")
    more = (files.holds("nothing", subject="gpu"), files.holds("nothing", subject="build"))

    text = as_text(replace(REPORT, findings=(*REPORT.findings, SWAP.left_out("--x"), *more)))

    assert (
        text
        == """\
Slurm: 2 failures, 1 warning, 2 left out, 1 ok

  x FAILURE slurm.devices (gpu): ConstrainDevices=no
            means: Two jobs on one node can use each other's GPUs and read their memory.
            change: cgroup.conf: ConstrainDevices=yes
  x FAILURE slurm.swap: not checked: no answer in 60 s
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: the cluster
  ! warning slurm.swap: cannot be seen here: slurmrestd does not tell
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: cgroup.conf: ConstrainSwapSpace=yes
  - left out on request: --quick: slurm.swap
  - left out on request: --x: slurm.swap

Jobs: 2 ok

2 failures in what was checked, 1 warning; 2 checks left out on request. The site must not open like this."""
    )


def test_every_line_has_the_worst_first_and_says_what_to_change() -> None:
    text = as_text(REPORT, every_line=True)

    assert (
        text
        == """\
Slurm

  x FAILURE slurm.devices (gpu): ConstrainDevices=no
            means: Two jobs on one node can use each other's GPUs and read their memory.
            change: cgroup.conf: ConstrainDevices=yes
  x FAILURE slurm.swap: not checked: no answer in 60 s
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: the cluster
  ! warning slurm.swap: cannot be seen here: slurmrestd does not tell
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: cgroup.conf: ConstrainSwapSpace=yes
  - left out slurm.swap: left out on request: --quick
            means: Nobody knows whether this holds: a job cannot take more memory as swap
            change: run it without --quick
  + ok      slurm.swap: ConstrainSwapSpace=yes

2 failures in what was checked, 1 warning; 1 check left out on request. The site must not open like this."""
    )


def test_a_report_comes_back_from_json_as_it_was() -> None:
    written = json.loads(json.dumps(REPORT.as_json()))

    assert report_from_json(written) == REPORT
    assert written["counts"] == {"ok": 1, "left_out": 1, "warning": 1, "failure": 2}
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
    with pytest.raises(ValueError, match="schema 3"):
        report_from_json(REPORT.as_json() | {"schema": 3})


def test_a_report_of_the_first_form_is_read() -> None:
    assert report_from_json(REPORT.as_json() | {"schema": 1}) == REPORT


@pytest.mark.parametrize(
    ("findings", "complete", "code"),
    [
        ((), True, 0),
        ((SWAP.broken("no"),), True, 0),
        ((SWAP.left_out("--no-jobs"),), True, 0),
        ((DEVICES.broken("no"),), True, 1),
        # What nobody answered is not passed, however light the rule is.
        ((SWAP.unchecked("no answer"),), True, 1),
        ((DEVICES.broken("no"),), False, 2),
    ],
)
def test_the_exit_code_says_how_bad_it_is(
    findings: tuple[Finding, ...], complete: bool, code: int
) -> None:
    assert replace(REPORT, findings=findings, complete=complete).exit_code == code


@pytest.mark.parametrize(
    ("findings", "ready", "summary"),
    [
        ((SWAP.holds("yes"),), True, "0 failures, 0 warnings. The site is ready to open."),
        ((SWAP.broken("no"),), False, "0 failures, 1 warning. Look at the warnings."),
        (
            (SWAP.holds("yes"), *[SWAP.left_out("--no-jobs")] * 2),
            False,
            "No failures in what was checked; 2 checks left out on request. Check the rest before it opens.",
        ),
        (
            (SWAP.broken("no"), SWAP.left_out("--quick")),
            False,
            (
                "No failures in what was checked, 1 warning; 1 check left out on request. Check the rest before"
                " it opens."
            ),
        ),
        (
            (SWAP.unchecked("no answer"),),
            False,
            "1 failure, 0 warnings. The site must not open like this.",
        ),
    ],
)
def test_a_site_is_called_ready_only_where_everything_was_looked_at(
    findings: tuple[Finding, ...], ready: bool, summary: str
) -> None:
    report = replace(REPORT, findings=findings)

    assert (report.is_ready, report.summary) == (ready, summary)


def test_rules_have_ids_of_their_own_in_known_areas_and_say_what_to_do() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids)
    assert {id_.partition(".")[0] for id_ in ids} <= AREAS.keys()
    assert [rule.id for rule in RULES if not (rule.title and rule.meaning and rule.change)] == []
    assert [rule.id for rule in RULES if rule.level is Level.OK] == []
