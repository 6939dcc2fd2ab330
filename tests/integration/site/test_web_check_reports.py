"""What staff see of the last check of the site."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import CheckReport
from portal.domain.accounts.people import Actor, operator
from portal.domain.errors import NotAllowedError
from portal.domain.site.findings import Finding, Report
from portal.services.site import check_reports
from portal.site_check.catalogue import RULES
from tests.support.factories import NOW
from tests.support.web.site import Site

DEVICES = next(rule for rule in RULES if rule.id == "slurm.devices")
SWAP = next(rule for rule in RULES if rule.id == "slurm.swap")
FILES = next(rule for rule in RULES if rule.id == "probe.files")


def report(*findings: Finding, **changes: object) -> Report:
    made = Report(
        site="Test site",
        taken_at=NOW,
        version="0.1.0",
        profiles=("gpu-small",),
        jobs="quick",
        complete=True,
        findings=findings,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def keep(site: Site, kept: Report) -> None:
    with site.context.database.writing() as session:
        check_reports.keep(session, actor=operator("root"), report=kept, now=NOW)


def shown(site: Site) -> str:
    answer = site.browser(site.staff).get("/staff/site")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_a_site_that_was_never_checked_says_how(site: Site) -> None:
    assert "This site was never checked." in shown(site)


def test_the_last_report_is_shown_with_the_worst_first(site: Site) -> None:
    keep(site, report(DEVICES.broken("an older one"), taken_at=NOW - timedelta(days=1)))
    keep(
        site,
        report(
            SWAP.holds("ConstrainSwapSpace=yes"),
            DEVICES.broken("ConstrainDevices=no <b>"),
            FILES.unchecked("no node was free", subject="gpu-small"),
        ),
    )

    page = shown(site)

    assert "2 failures, 0 warnings. The site must not open like this." in page
    assert "for the profiles gpu-small, without the time limit." in page
    assert (
        "Failure slurm.devices ConstrainDevices=no &lt;b&gt; Two jobs on one node can use each other&#39;s"
        " GPUs and read their memory. Change: cgroup.conf: ConstrainDevices=yes"
        " 1 OK in Slurm Slurm: OK State Check Found OK slurm.swap ConstrainSwapSpace=yes"
    ) in page
    assert "Failure probe.files gpu-small not checked: no node was free" in page
    assert "an older one" not in page


def test_a_part_of_a_check_is_not_called_ready(site: Site) -> None:
    keep(site, report(SWAP.holds("yes"), FILES.left_out("--no-jobs"), jobs="none"))

    page = shown(site)

    assert "No failures in what was checked; 1 check left out on request." in page
    assert "Left out probe.files left out on request: --no-jobs" in page
    assert "ready to open" not in page


def test_a_report_of_another_release_is_not_guessed_at(site: Site) -> None:
    keep(site, report())
    with site.context.database.writing() as session:
        session.scalars(select(CheckReport)).one().report = {"schema": 99}

    assert "This site was never checked." in shown(site)


def test_the_newest_reports_are_kept(site: Site) -> None:
    for number in range(check_reports.KEPT + 3):
        keep(site, report(taken_at=NOW + timedelta(minutes=number)))

    with site.context.database.reading() as session:
        times = sorted(session.scalars(select(CheckReport.taken_at)))
    assert times == [NOW + timedelta(minutes=3 + n) for n in range(check_reports.KEPT)]


def test_nobody_keeps_a_report_through_the_web(site: Site) -> None:
    with site.context.database.writing() as session, pytest.raises(NotAllowedError):
        check_reports.keep(
            session, actor=Actor(person_id=site.staff.id, is_staff=True), report=report(), now=NOW
        )


@pytest.mark.parametrize("who", ["ada", "eve", "newcomer"])
def test_others_do_not_see_it(site: Site, who: str) -> None:
    keep(site, report(DEVICES.broken("ConstrainDevices=no")))

    answer = site.browser(getattr(site, who)).get("/staff/site")

    assert (answer.status_code, "ConstrainDevices" in answer.text) == (404, False)
