"""`sealrun check-site` on real sites: nothing is wrong with the plain one, and each weakness is found."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.demo.account import CHECKOUT, as_account
from portal.files.private_folders import PRIVATE
from portal.site_check.catalogue import RULES
from portal.site_check.rules import neighbours
from site_config.practice.errors import PracticeError
from site_config.practice.site import PracticeSite
from site_config.practice.weaknesses import NAMES
from tests.practice.checking import HIDDEN, SECRET, Checked, check, command, sealrun
from tests.support.cluster.inside import Inside
from tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.cluster

PLAIN, WEAK = "checked", "weakened"
UID = 20305


def up(name: str, *weaknesses: str) -> PracticeSite:
    site = PracticeSite(name)
    site.down(purge=True)
    site.up(account_uid=UID, weaken=weaknesses)
    return site


def weakened(plain: PracticeSite, *weaknesses: str) -> PracticeSite:
    """Bring up another site, with a copy of the empty database."""
    site = up(WEAK, *weaknesses)
    copy, blobs = site.paths.portal / "sealrun.db", site.paths.storage / "blobs"
    made = [site.paths.storage / name for name in PRIVATE]
    shutil.copyfile(plain.paths.portal / "empty.db", copy)
    for folder in (blobs, blobs / "incoming"):
        folder.mkdir()
    for folder in made:
        folder.mkdir(mode=0o700)
        shutil.chown(folder, UID, UID)
    # As `sealrun db upgrade` leaves it, which takes longer.
    for path, mode in ((copy, 0o660), (blobs, 0o2770), (blobs / "incoming", 0o2770)):
        shutil.chown(path, UID, UID)
        path.chmod(mode)
    return site


@pytest.fixture(scope="module")
def plain(root: None) -> Iterator[PracticeSite]:
    """A site with nothing wrong; while it is there, the root that all sites share stays built."""
    site = up(PLAIN)
    upgraded = sealrun(site, "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    shutil.copyfile(site.paths.portal / "sealrun.db", site.paths.portal / "empty.db")
    yield site
    site.down(purge=True)


@pytest.fixture(scope="module", autouse=True)
def whole_check(plain: PracticeSite) -> Iterator[subprocess.Popen[str]]:
    """A check of everything. Most of its time it waits for a time limit, so it runs beside the tests."""
    with subprocess.Popen(
        command(plain, "check-site", "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=os.environ | HIDDEN | {"PYTHONDONTWRITEBYTECODE": "1"},
    ) as running:
        yield running


def left_behind(site: PracticeSite) -> tuple[list[str], str]:
    """Return what is in the storage besides what `sealrun db upgrade` makes there, and the queue."""
    queue = Inside(site).run("squeue", "--noheader", user="root").stdout
    names = {path.name for path in site.paths.storage.iterdir()}
    return sorted(names - {"blobs", *PRIVATE}), queue


def test_nothing_is_wrong_with_the_plain_site_and_nothing_is_left_behind(
    plain: PracticeSite, whole_check: subprocess.Popen[str]
) -> None:
    out, err = whole_check.communicate(timeout=400)
    checked = Checked(whole_check.returncode, json.loads(out))

    assert SECRET not in out + err
    assert (checked.code, checked.wrong()) == (0, {})
    assert checked.report["profiles"] == ["gpu-small", "score", "build"]
    assert {one["id"] for one in checked.report["findings"]} == {
        rule.id for rule in RULES
    } - {
        "database.release", "database.roles", "storage.data", "profiles.exclusive", "mail.server",
    }  # fmt: skip
    assert left_behind(plain) == ([], "")
    assert checked.report in kept_reports(plain)


def kept_reports(site: PracticeSite) -> list[dict[str, Any]]:
    database = sqlite3.connect(site.paths.portal / "sealrun.db")
    with closing(database):
        return [json.loads(row[0]) for row in database.execute("select report from check_reports")]


def test_a_check_without_its_jobs_and_of_one_profile(plain: PracticeSite) -> None:
    checked = check(plain, "--no-jobs", "--profile", "score")

    assert (checked.code, checked.report["jobs"]) == (0, "none")
    # Who is beside whom on the nodes is looked at for all profiles together.
    of_all = {rule.id for rule in neighbours.RULES}
    assert {
        one["subject"]
        for one in checked.report["findings"]
        if one["area"] == "profiles" and one["id"] not in of_all
    } == {"score"}


def test_the_report_for_people_is_text(plain: PracticeSite) -> None:
    done = sealrun(plain, "check-site", "--no-jobs")
    whole = sealrun(plain, "check-site", "--no-jobs", "--all")

    # On one machine runs take turns, in each of the two profiles that read private data.
    assert done.returncode == 0
    assert re.fullmatch(
        r"No failures in what was checked, 2 warnings; \d+ checks left out on request\."
        r" Check the rest before it opens\.",
        done.stdout.splitlines()[-1],
    )
    assert done.stdout.count("profiles.separation") == 2
    line = "  + ok      slurm.devices: ConstrainDevices=yes\n"
    assert (line in done.stdout, line in whole.stdout) == (False, True)


def test_settings_that_cannot_be_read_are_said_with_their_line(plain: PracticeSite) -> None:
    broken = plain.paths.portal / "site.yaml"
    broken.write_text("site: {name: X}\nport: 80\n", encoding="utf-8")
    broken.chmod(0o644)

    argv = [sys.executable, "-m", "portal", "check-site", "--site", str(broken)]
    done = subprocess.run(
        as_account(argv, plain.status(), home="home"),
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )

    assert done.returncode == 2
    assert f"change: {broken}:2\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("The check could not go on")


def _ages(inside: Inside) -> list[str]:
    """Return for how long each job runs, in minutes and seconds."""
    argv = ("squeue", "--noheader", "--states=RUNNING", "--format=%M")
    return inside.run(*argv, user="root").stdout.split()


def test_checks_that_are_interrupted_leave_nothing_behind(plain: PracticeSite) -> None:
    site = weakened(plain)
    inside = Inside(site)
    try:
        checks = [
            subprocess.Popen(
                # What runs in the background, as this may, is started with SIGINT ignored.
                [
                    *("env", "--default-signal=INT"),
                    *command(site, "check-site", "--profile", "score"),
                ],
                cwd=CHECKOUT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        # Both wait for a time limit, which is when somebody loses patience.
        # A job that is cancelled in its first moment can keep its node completing for a minute.
        until(
            lambda: len([age for age in _ages(inside) if age >= "0:05"]) >= len(checks),
            pause=0.2,
            what="the jobs did not start",
        )
        for number, running in zip((signal.SIGINT, signal.SIGTERM), checks, strict=True):
            running.send_signal(number)
        said = [running.communicate(timeout=PATIENCE) for running in checks]
        left = left_behind(site)
    finally:
        site.down(purge=True)

    last = "interrupted: jobs are ended and files removed; nothing is reported"
    assert [running.returncode for running in checks] == [2, 2]
    assert [(out, err.splitlines()[-1]) for out, err in said] == [("", last)] * 2
    assert ["left behind" in err for _, err in said] == [False] * 2
    assert left == ([], "")


NO_JOBS = ("--no-jobs",)
JOBS = ("--quick", "--profile", "gpu-small")
DEVICES = "cgroup.conf: ConstrainDevices=yes"
DIRS = "job_container.conf: Dirs=/tmp,/var/tmp,/dev/shm"
FOLDERS = "slurm.conf: JobContainerType=job_container/tmpfs"
QOS = "run: sacctmgr modify user challenge set qos+=elsewhere"
# What is found besides, as a consequence; for every weakness the first line is its own.
FOUND: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str]]]] = {
    "cores": (NO_JOBS, {"slurm.cores": ("failure", "cgroup.conf: ConstrainCores=yes")}),
    "devices": (JOBS, {
        "slurm.devices": ("failure", DEVICES),
        "probe.devices": ("failure", DEVICES),
    }),
    "memory": (NO_JOBS, {"slurm.memory": ("failure", "cgroup.conf: ConstrainRAMSpace=yes")}),
    "swap": (NO_JOBS, {"slurm.swap": ("warning", "cgroup.conf: ConstrainSwapSpace=yes")}),
    "memory-and-swap": (
        JOBS,
        {
            "slurm.memory": ("failure", "cgroup.conf: ConstrainRAMSpace=yes"),
            "slurm.swap": ("warning", "cgroup.conf: ConstrainSwapSpace=yes"),
            "probe.memory": ("failure", "cgroup.conf: ConstrainRAMSpace=yes"),
        },
    ),
    "proctrack": (JOBS, {
        "slurm.processes": ("failure", "slurm.conf: ProctrackType=proctrack/cgroup"),
        "probe.processes": ("failure", "slurm.conf: ProctrackType=proctrack/cgroup"),
    }),
    "tmp": (JOBS, {
        "slurm.private_folders": ("failure", FOLDERS),
        "probe.files": ("failure", f"{FOLDERS}; {DIRS}"),
    }),
    "shm": (JOBS, {"probe.files": ("failure", DIRS)}),
    "accounting-enforce": (NO_JOBS, {
        "slurm.enforce": ("failure", "slurm.conf: AccountingStorageEnforce=associations,limits,qos"),
    }),
    "private-data": (NO_JOBS, {
        "slurm.private_data": ("warning", "slurm.conf: PrivateData=jobs,usage,users"),
    }),
    "private-accounting": (NO_JOBS, {
        "slurm.private_accounting": ("warning", "slurmdbd.conf: PrivateData=jobs,usage,users"),
    }),
    "partition-time": (JOBS, {
        "profiles.time": ("failure", "slurm.conf: PartitionName=gpu MaxTime=3"),
        "probe.starts": ("failure", "site.yaml: profiles.gpu-small"),
    }),
    "partition-open": (NO_JOBS, {
        "profiles.own_partition": ("warning", "slurm.conf: PartitionName=gpu AllowAccounts=challenges"),
        "profiles.foreign_jobs": ("failure", "slurm.conf: PartitionName=gpu AllowAccounts=challenges"),
    }),
    "qos-missing": (JOBS, {
        "profiles.qos": ("failure", QOS),
        "probe.starts": ("failure", "site.yaml: profiles.gpu-small"),
        "probe.builds": ("failure", "site.yaml: profiles.build"),
    }),
    "apptainer-old": (JOBS, {
        "apptainer.version": ("failure", "Apptainer 99.0.0 on the nodes, or site.yaml: clusters.main.apptainer"),
        "probe.builds": ("failure", "Apptainer on the nodes"),
        "probe.seals": ("failure", "Apptainer on the nodes"),
    }),
    "no-network-namespaces": (JOBS, {
        "apptainer.network_namespaces": ("failure", "sysctl.conf of the nodes: user.max_net_namespaces="),
        "probe.builds": ("failure", "Apptainer on the nodes"),
        "probe.seals": ("failure", "Apptainer on the nodes"),
    }),
    "seccomp": (JOBS, {
        "probe.seccomp": ("failure", "Apptainer on the nodes: a build with libseccomp"),
        "probe.seals": ("failure", "Apptainer on the nodes"),
    }),
    "storage-open": (NO_JOBS, {"storage.closed": ("failure", "chmod 750 ")}),
    "known-hosts-missing": (NO_JOBS, {
        "ssh.known_hosts": ("failure", "{ssh}/known_hosts: {address} KEY"),
        "ssh.connects": ("failure", "{ssh}/known_hosts: "),
    }),
    "secret-open": (NO_JOBS, {"settings.secrets": ("failure", "chmod 600 {secrets}/oidc-client")}),
}  # fmt: skip


def test_every_weakness_is_tried() -> None:
    assert set(FOUND) == set(NAMES)


@pytest.mark.parametrize("weakness", FOUND)
def test_a_weakness_is_found_with_the_line_to_change(plain: PracticeSite, weakness: str) -> None:
    words, expected = FOUND[weakness]
    site = weakened(plain, weakness)
    try:
        checked = check(site, *words)
        left = left_behind(site)
    finally:
        site.down(purge=True)

    wrong = checked.wrong()
    places = {"ssh": site.paths.ssh, "secrets": site.paths.secrets, "address": ""}
    assert wrong.keys() == expected.keys(), checked.report["findings"]
    for id_, (level, change) in expected.items():
        begins = change.partition("{address}")[0].format(**places)
        assert {how for how, _ in wrong[id_]} == {level}
        assert all(line.startswith(begins) for _, line in wrong[id_]), (id_, wrong[id_], begins)
    failures = [id_ for id_, (level, _) in expected.items() if level == "failure"]
    assert checked.code == (1 if failures else 0)
    assert left == ([], "")


def _set_apart(site: PracticeSite) -> Path:
    """Give a site a storage that its nodes have at the same path, but as another directory."""
    storage = site.paths.home / "apart"
    made = Inside(site).run(
        "install", "-d", "-o", str(UID), "-m", "0700", str(storage), user="root"
    )
    assert made.returncode == 0, made.stderr
    shutil.copytree(site.paths.storage, storage)
    for path in (storage, *storage.rglob("*")):
        mode = path.stat().st_mode & 0o7777
        shutil.chown(path, UID, UID)
        path.chmod(mode)
    settings = yaml.safe_load(site.paths.site_yaml.read_text(encoding="utf-8"))
    settings["clusters"]["main"] |= {"storage": str(storage), "files": "sftp"}
    site.paths.site_yaml.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return storage


@pytest.mark.parametrize("weakness", ["", "devices", "tmp"])
def test_jobs_are_sent_where_no_directory_is_shared_and_find_the_same(
    plain: PracticeSite, weakness: str
) -> None:
    words, expected = FOUND[weakness] if weakness else (JOBS, {})
    site = weakened(plain, *filter(None, [weakness]))
    try:
        storage = _set_apart(site)
        checked = check(site, *words)
        there = Inside(site).run("find", str(storage), "-type", "f", user="root").stdout
        here = [path.name for path in storage.iterdir()]
    finally:
        site.down(purge=True)

    wrong = checked.wrong()
    assert wrong.keys() == expected.keys(), checked.report["findings"]
    assert checked.code == (1 if expected else 0)
    well = {one["id"] for one in checked.report["findings"] if one["level"] == "ok"}
    assert {"probe.starts", "probe.builds", "probe.seals", "probe.network", "probe.memory"} <= well
    assert (there, sorted(here)) == ("", sorted(["blobs", *PRIVATE]))


def test_the_site_that_everybody_uses_is_not_weakened(root: None) -> None:
    with pytest.raises(PracticeError, match="weaken one of your own"):
        PracticeSite("practice").up(weaken=("devices",))


def test_a_site_that_runs_is_not_weakened_meanwhile(plain: PracticeSite) -> None:
    with pytest.raises(PracticeError, match="take it down first"):
        plain.up(weaken=("devices",))
