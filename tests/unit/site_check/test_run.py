"""A whole check of a site whose cluster is silent, slow or noisy: nothing of it is called well."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from portal import bootstrap
from portal.cli import main
from portal.domain.site.findings import Level, Report
from portal.site_check.questions import NOBODYS
from portal.site_check.run import CheckOptions, check_site
from portal.site_check.target import Subject
from scheduler.commands import inspection
from scheduler.commands.sacct import sacct_argv
from scheduler.commands.squeue import squeue_argv
from scheduler.errors import TransportTimeoutError
from scheduler.interface import Outcome, Phase
from scheduler.memory import MemoryScheduler
from scheduler.transport import Finished
from tests.support.recordings.answers import recorded
from tests.support.required import required
from tests.unit.site_check.subjects import SITE

CLUSTER: dict[str, Any] = {
    "connect": "local",
    "storage": "storage",
    "slurm": {"account": "challenges", "qos": "challenge"},
}
HOUR = timedelta(hours=1)
RECORDED = {
    tuple(argv): name
    for name, argv in {
        "hardened-config": inspection.config_argv(),
        "accounting-config": inspection.accounting_config_argv(),
        "partitions": inspection.partitions_argv(),
        "qos": inspection.qos_argv(),
        "nodes": inspection.nodes_argv(),
        "places": inspection.places_argv(),
    }.items()
}
NOTHING = {
    tuple(squeue_argv([NOBODYS])),
    tuple(sacct_argv([NOBODYS], timedelta(days=1))),
}


@dataclass(slots=True)
class Cluster:
    """Answers as the recorded site does, but for what a test lets go wrong."""

    wrong: Callable[[Sequence[str]], Finished | None] = lambda _argv: None

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        if (answer := self.wrong(argv)) is not None:
            return answer
        if tuple(argv) in RECORDED:
            return recorded(RECORDED[tuple(argv)])
        if "assoc" in argv:
            mine = any(word.startswith("user=") for word in argv)
            return recorded("associations" if mine else "users")
        return Finished(returncode=0, stdout=b"", stderr=b"")


def silent(argv: Sequence[str]) -> Finished:
    raise TransportTimeoutError(f"{argv[0]} did not end in time")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose cluster answers; its jobs wait for ever."""
    required("a static busybox", Path("/bin/busybox").exists())
    file = tmp_path / "site.yaml"
    settings = SITE | {"clusters": {"main": CLUSTER}}
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    (tmp_path / "storage").mkdir(mode=0o750)
    monkeypatch.setattr("portal.bootstrap.site_check.transport_of", lambda _cluster: Cluster())
    monkeypatch.setattr(
        "portal.bootstrap.site_check.scheduler_of", lambda _cluster, _way: MemoryScheduler()
    )
    # The account that was recorded.
    monkeypatch.setattr(Subject, "user", "challenge")
    return file


def wrong(report: Report, level: Level = Level.FAILURE) -> dict[str, str]:
    """Return what was found, without what is wrong with this machine as a site."""
    local = {"settings", "database", "storage", "accounts"}
    found = [one for one in report.findings if one.level is level and one.area not in local]
    return {one.id: one.found for one in found}


def test_a_cluster_that_never_answers_is_a_failure_and_its_time_is_said(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "portal.bootstrap.site_check.transport_of", lambda _cluster: Cluster(silent)
    )

    report = check_site(site, CheckOptions(), bootstrap.check_adapters())

    assert wrong(report) == {
        "probe.starts": "not checked: no job was sent, since none could be watched: "
        "scontrol: no answer in 60 s (scontrol did not end in time)",
        "slurm.answers": "scontrol: no answer in 60 s (scontrol did not end in time)",
        "profiles.partition": "not checked: scontrol: no answer in 60 s (scontrol did not end in time)",
        "profiles.nodes": "not checked: scontrol: no answer in 60 s (scontrol did not end in time)",
        "profiles.foreign_jobs": "not checked: scontrol: no answer in 60 s (scontrol did not end in time)",
    }
    assert (report.exit_code, report.is_ready) == (1, False)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            Finished(returncode=0, stdout=b"Welcome to Nordholm!\n", stderr=b""),
            "not checked: squeue: expected 10 fields, got 1: 'Welcome to Nordholm!'",
        ),
        (
            Finished(returncode=1, stdout=b"", stderr=b"slurm_load_jobs error\n"),
            "not checked: squeue: slurm_load_jobs error",
        ),
    ],
    ids=["noise", "refusal"],
)
def test_a_squeue_that_cannot_be_read_is_a_failure(
    site: Path, monkeypatch: pytest.MonkeyPatch, answer: Finished, found: str
) -> None:
    def only_squeue(argv: Sequence[str]) -> Finished | None:
        return answer if "squeue" in argv and "--version" not in argv else None

    monkeypatch.setattr(
        "portal.bootstrap.site_check.transport_of", lambda _cluster: Cluster(only_squeue)
    )

    report = check_site(site, CheckOptions(jobs="none"), bootstrap.check_adapters())
    with_jobs = wrong(check_site(site, CheckOptions(), bootstrap.check_adapters()))

    assert wrong(report) == {"slurm.whole": found}
    # Where nothing can be read no job is sent: waiting for it would be in vain.
    assert with_jobs["probe.starts"].startswith(
        "not checked: no job was sent, since none could be watched: squeue: "
    )


def test_a_squeue_that_complains_is_a_failure(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = b"squeue: error: a plugin is missing\n"

    def only_squeue(argv: Sequence[str]) -> Finished | None:
        is_it = "squeue" in argv and "--version" not in argv
        return Finished(returncode=0, stdout=b"", stderr=complaint) if is_it else None

    monkeypatch.setattr(
        "portal.bootstrap.site_check.transport_of", lambda _cluster: Cluster(only_squeue)
    )

    report = check_site(site, CheckOptions(jobs="none"), bootstrap.check_adapters())

    assert wrong(report) == {"slurm.whole": complaint.decode().strip()}


def test_a_program_that_is_silent_is_not_asked_again(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def silent_accounting(argv: Sequence[str]) -> Finished | None:
        if argv[0] != "sacctmgr":
            return None
        asked.append(argv[0])
        return silent(argv)

    monkeypatch.setattr(
        "portal.bootstrap.site_check.transport_of", lambda _cluster: Cluster(silent_accounting)
    )

    found = wrong(check_site(site, CheckOptions(jobs="none"), bootstrap.check_adapters()))

    assert asked == ["sacctmgr"]
    told = "not checked: sacctmgr: no answer in 60 s (sacctmgr did not end in time)"
    ids = {"slurm.whole", "slurm.private_accounting"} | {
        f"profiles.{name}" for name in ("account", "qos", "time", "deny_on_limit", "foreign_jobs")
    }
    assert found == dict.fromkeys(ids, told)


def test_jobs_that_never_start_are_failures_and_are_cancelled_when_time_is_over(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = MemoryScheduler()
    monkeypatch.setattr(
        "portal.bootstrap.site_check.scheduler_of", lambda _cluster, _way: scheduler
    )
    said: list[str] = []

    report = check_site(
        site,
        CheckOptions(job_timeout=HOUR, time_limit=timedelta(seconds=2), say=said.append),
        bootstrap.check_adapters(),
    )

    found = wrong(report)
    assert found.keys() == {"probe.starts", "probe.builds"}
    assert "in partition build was still PENDING after" in found["probe.builds"]
    assert found["probe.starts"].endswith("(--time-limit); nothing of this profile could be tried")
    assert {(job.phase, job.outcome) for job in scheduler.jobs} == {
        (Phase.ENDED, Outcome.CANCELLED)
    }
    # One build; a look, a memory and one that ignores SIGTERM in each of two profiles.
    assert [line for line in said if "submitted in partition" in line] == [
        f"job {number} submitted in partition {partition}: {name}"
        for number, (partition, name) in enumerate(
            [
                ("build", "build"),
                *(("gpu", f"gpu-{name}") for name in ("look", "memory", "ignores-sigterm")),
                *(("build", f"build-{name}") for name in ("look", "memory", "ignores-sigterm")),
            ],
            start=1,
        )
    ]
    assert report.exit_code == 1
    assert list((site.parent / "storage").glob("checks/*")) == []


def test_what_is_left_out_on_request_is_counted_and_no_site_is_ready_without_it(site: Path) -> None:
    report = check_site(
        site, CheckOptions(jobs="none", profiles=["gpu"]), bootstrap.check_adapters()
    )

    left_out = [one for one in report.findings if one.level is Level.LEFT_OUT]
    assert wrong(report) == {}
    assert ("build", "left out on request: --profile") in {
        (one.subject, one.found) for one in left_out
    }
    assert {"probe.seals", "probe.devices", "apptainer.version"} <= {one.id for one in left_out}
    # What is wrong with this machine as a site is said all the same.
    assert f"; {len(left_out)} checks left out on request. The site must not open" in report.summary


def test_the_command_says_on_standard_error_what_it_does(site: Path) -> None:
    done = CliRunner().invoke(
        main, ["check-site", "--site", str(site), "--no-jobs", "--time-limit", "1"]
    )

    assert "... asking Slurm how it is set up" in done.stderr
    assert "left out on request" in done.stdout.splitlines()[-1]
    assert "..." not in done.stdout
