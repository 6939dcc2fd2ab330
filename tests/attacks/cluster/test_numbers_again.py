"""Slurm loses its counter and gives numbers again; the portal asks by token."""

import secrets
import time
from pathlib import PurePosixPath
from typing import Any

import pytest

from portal.bootstrap import scheduler_of
from scheduler.interface import Accepted, JobReport, Phase, Scheduler, Token
from site_config.practice.site import PracticeSite
from site_config.site_loader import load_site
from tests.support.cluster.inside import Inside
from tests.support.cluster.labs import small_job

pytestmark = [pytest.mark.cluster, pytest.mark.root]

STATE = "/var/spool/slurmctld"
FORGET = (
    f"rm -f {STATE}/job_state* {STATE}/hash.*/job.* 2>/dev/null; rm -rf {STATE}/hash.*/job.*; true"
)


@pytest.fixture
def scheduler(practice: PracticeSite) -> Scheduler:
    return scheduler_of(load_site(practice.paths.site_yaml).clusters["main"])


def run(scheduler: Scheduler, practice: PracticeSite, code: int) -> tuple[Token, str]:
    """Run a job that ends with a code; return its token and its number."""
    token = Token(f"again-{secrets.token_hex(6)}")
    spec = small_job(f"exit {code}", PurePosixPath(practice.paths.storage), account="challenges")
    answer = scheduler.submit(spec, token)
    assert isinstance(answer, Accepted), answer
    deadline = time.monotonic() + 40
    while not all(one.phase is Phase.ENDED for one in reports(scheduler, token)):
        assert time.monotonic() < deadline, f"{token} has not ended"
        time.sleep(0.2)
    return token, answer.ref.job_id


def reports(scheduler: Scheduler, token: Token) -> list[JobReport]:
    snapshot = scheduler.find(token)
    assert snapshot.complete, snapshot.problem
    found = snapshot.jobs.get(token, ())
    assert found
    return list(found)


@pytest.mark.attack(44)
def test_a_number_that_comes_again_is_not_taken_for_the_earlier_job(
    scheduler: Scheduler, practice: PracticeSite, inside: Inside
) -> None:
    earlier, number = run(scheduler, practice, 3)
    inside.run("practice-daemon", "kill", "slurmctld", user="root")
    forgotten = inside.run("sh", "-c", FORGET, user="root")
    # The next number is the one that the earlier job had.
    inside.run("sh", "-c", f"echo FirstJobId={number} >> /etc/slurm/slurm.conf", user="root")
    inside.run("practice-daemon", "start", "slurmctld", user="root")
    inside.run("sed", "-i", "/^FirstJobId=/d", "/etc/slurm/slurm.conf", user="root")
    _wait_for_nodes(inside)

    later, again = run(scheduler, practice, 0)

    assert forgotten.returncode == 0
    assert again == number
    by_number = inside.run("sacct", "-X", "-D", "-n", "-P", "-j", number, "-o", "jobname").stdout
    # By its number alone, accounting tells of both.
    assert {earlier, later} <= set(by_number.split())
    assert [one.exit_code for one in reports(scheduler, earlier)] == [3]
    assert [one.exit_code for one in reports(scheduler, later)] == [0]


def _wait_for_nodes(inside: Inside) -> None:
    deadline = time.monotonic() + 60
    while True:
        states: Any = inside.run("sinfo", "-h", "-N", "-o", "%T").stdout.split()
        if states and set(states) <= {"idle", "mixed"}:
            return
        assert time.monotonic() < deadline, states
        time.sleep(0.5)
