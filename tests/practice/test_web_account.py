"""What somebody has who has taken over the web process, where it has an account of its own.

The attempts are made in a shell as that account, on a running site; each one is made by the worker's
account as well, for which it works.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from examples.demo.account import CHECKOUT, as_account, as_web
from examples.demo.participant import Participant
from examples.demo.processes import Processes, free_port, sealrun
from examples.demo.settings import DemoSite, prepare_site
from portal.domain.evaluations.failures import FAILURES, FailureReason
from site_config.practice.machine.accounts import WEB_NAME, WEB_UID
from site_config.practice.site import PracticeSite
from tests.practice.examples import built_digits
from tests.practice.portals import give, settled, start_provider
from tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.cluster

NAME = "two-accounts"
CHECK = sealrun("check-site", "--no-jobs", "--format", "json")
CHANGE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as database:
    database.execute("update tasks set truth_data = ?", sys.argv[2:])
database.close()
"""
OUTPUT = "canary-of-an-output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A portal whose pages and whose worker run as two accounts."""

    practice: PracticeSite
    demo: DemoSite
    web: "subprocess.Popen[bytes]"
    worker: "subprocess.Popen[bytes]"

    def as_web(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return _run(as_web(argv, self.practice.status()))

    def as_worker(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return _run(as_account(argv, self.practice.status(), home="home"))

    @property
    def settings(self) -> Path:
        return self.demo.settings

    @property
    def storage(self) -> Path:
        return self.practice.paths.storage / NAME

    @property
    def data(self) -> Path:
        return self.practice.paths.data / NAME


def _run(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        cwd=CHECKOUT,
    )


def write_settings(site: PracticeSite, digits: Path, *, port: int, provider: int) -> DemoSite:
    """Write the settings of a portal with two accounts, and the folders that its operator makes."""
    uid = int(str(site.status().account_uid))
    # Not below the directory of the practice site's database, to which both accounts write.
    place = site.paths.home / NAME
    demo = prepare_site(
        site.status(), digits, portal_port=port, provider_port=provider, name=NAME, directory=place
    )
    settings = yaml.safe_load(demo.settings.read_text(encoding="utf-8"))
    settings["accounts"] = {"web": WEB_NAME}
    settings["database"] = {"url": f"sqlite:///{database_of(demo)}"}
    demo.settings.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    database_of(demo).parent.mkdir()
    give(uid, demo.directory, site.paths.storage / NAME, site.paths.data / NAME)
    (site.paths.data / NAME).chmod(0o700)
    database_of(demo).parent.chmod(0o2770)
    demo.directory.chmod(0o750)
    return demo


def database_of(demo: DemoSite) -> Path:
    """Return the file, in a directory with nothing else in it."""
    return demo.directory / "database/sealrun.db"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_digits(tmp_path_factory)


@pytest.fixture(scope="module")
def served(site: PracticeSite, digits: Path) -> Iterator[Served]:
    status = site.status()
    demo = write_settings(site, digits, port=free_port(8600), provider=free_port(9600))
    words = ("--site", str(demo.settings))
    bundle = str(digits / "challenge")
    upgrade = as_account([*sealrun("db", "upgrade"), *words], status, home="home")
    add = as_account(
        [*sealrun("challenge", "add"), *words, "--untried", bundle],
        status,
        home="home",
        readable=[digits],
    )
    with Processes(demo.directory / "logs", os.environ) as processes:
        for argv in (upgrade, add):
            assert (done := _run(argv)).returncode == 0, done.stderr
        start_provider(processes, demo)
        serve = [*sealrun("serve", "--port", str(demo.portal_port)), *words]
        web = processes.start_server("web", demo.portal_port, *as_web(serve, status))
        work = as_account([*sealrun("work"), *words], status, home="home")
        worker = processes.start("worker", *work)
        portal = Served(practice=site, demo=demo, web=web, worker=worker)
        _wait_for_an_image(portal)
        yield portal


def _wait_for_an_image(portal: Served) -> None:
    """Wait until the worker has made one in a real job."""

    def has_image() -> bool:
        assert portal.worker.poll() is None, "the worker ended"
        return any((portal.storage / "images").glob("*.sif"))

    until(has_image, pause=0.2, what="the worker made no image")


def test_somebody_logs_in_submits_and_is_scored(served: Served, digits: Path) -> None:
    with closing(Participant(served.demo.portal, "ada")) as ada:
        ada.log_in()
        address = ada.submit("digits", "dev", "results", digits / "submissions/predictions.csv")
        seen = settled(ada, address)

    blobs = [path for path in (served.storage / "blobs").rglob("*") if path.is_file()]

    assert set(seen.scores) == {"Accuracy", "Macro F1", "Brier score"}, seen
    assert {path.stat().st_uid for path in blobs} == {WEB_UID, served.practice.status().account_uid}


def test_what_it_changes_in_the_database_is_not_run(served: Served, digits: Path) -> None:
    database = database_of(served.demo)
    changed = served.as_web(sys.executable, "-c", CHANGE, str(database), "digits-test")
    with closing(Participant(served.demo.portal, "ada")) as ada:
        ada.log_in()
        address = ada.submit("digits", "dev", "results", digits / "submissions/predictions.csv")
        seen = settled(ada, address)
    back = served.as_web(sys.executable, "-c", CHANGE, str(database), "digits-truth")

    assert back.returncode == 0, back.stderr
    assert changed.returncode == 0, changed.stderr
    assert (seen.scores, seen.told) == ({}, FAILURES[FailureReason.PREPARATION].title)


def places(served: Served) -> list[Path]:
    """Return what private bytes lie in: truth, a run's output, an image, keys."""
    run = served.storage / "runs/job/token"
    made = served.as_worker(
        "sh", "-c", f"mkdir -p {run}/output && echo {OUTPUT} > {run}/output/out.csv"
    )
    assert made.returncode == 0, made.stderr
    paths = served.practice.paths
    return [
        *served.data.glob("*truth*/*.csv"),
        run / "output/out.csv",
        *(served.storage / "images").glob("*.sif"),
        paths.ssh / "id_ed25519",
        paths.secrets / "slurm-token",
    ]


def test_a_shell_as_the_web_process_reads_nothing_that_is_private(served: Served) -> None:
    tried = {
        path: (served.as_worker("cat", str(path)), served.as_web("cat", str(path)))
        for path in places(served)
    }  # fmt: skip

    assert len(tried) >= 5
    assert {worker.returncode for worker, _ in tried.values()} == {0}
    assert {web.returncode for _, web in tried.values()} == {1}
    assert {web.stdout for _, web in tried.values()} == {""}
    assert all("Permission denied" in web.stderr for _, web in tried.values())


def test_it_changes_nothing_there_and_cannot_look_into_the_worker(served: Served) -> None:
    data, worker = served.data, served.worker.pid
    truth = next(data.glob("*truth*/*.csv"))
    attempts = {
        "list": ["ls", str(served.storage / "runs")],
        "plant": ["touch", str(served.storage / "images/planted.sif")],
        "open": ["chmod", "755", str(data)],
        "link": ["ln", str(truth), str(served.storage / "blobs/linked")],
        "environment": ["cat", f"/proc/{worker}/environ"],
        "memory": ["head", "-c1", f"/proc/{worker}/mem"],
        "files": ["ls", f"/proc/{worker}/fd/"],
        "signal": ["sh", "-c", f"kill -0 {worker}"],
        "root": ["sh", "-c", "su -c true || sudo -n true"],
    }

    ended = {name: served.as_web(*argv).returncode for name, argv in attempts.items()}

    assert {name for name, code in ended.items() if code == 0} == set()
    assert served.as_worker("ls", f"/proc/{worker}/fd/").returncode == 0


def test_it_cannot_submit_jobs_as_the_challenges_account(served: Served) -> None:
    paths, address = served.practice.paths, served.practice.status().address
    argv = (
        *("ssh", "-F", "none", "-oBatchMode=yes", "-oStrictHostKeyChecking=no"),
        *("-oUserKnownHostsFile=/dev/null", "-oIdentitiesOnly=yes"),
        *("-i", str(paths.ssh / "id_ed25519"), f"challenge@{address}", "squeue", "--noheader"),
    )

    assert served.as_worker(*argv).returncode == 0
    assert served.as_web(*argv).returncode == 255


def test_the_check_of_the_site_says_that_all_is_closed(served: Served) -> None:
    done = served.as_worker(*CHECK, "--site", str(served.settings))

    found = [one for one in json.loads(done.stdout)["findings"] if one["id"][:8] == "accounts"]
    assert {one["level"] for one in found} == {"ok"}, found
    assert {one["id"] for one in found} == {
        "accounts.separate",
        "accounts.known",
        "accounts.sealed",
        "accounts.writes",
        "accounts.trusted",
    }


def test_the_check_and_the_web_process_itself_notice_data_that_is_open(served: Served) -> None:
    words = ("--site", str(served.settings))
    truth = next(served.data.glob("*truth*"))
    ways = (served.practice.paths.data, served.data, truth)
    for path in ways:
        path.chmod(0o750)
    try:
        checked = served.as_worker(*CHECK, *words)
        serving = served.as_web(*sealrun("serve", "--port", str(free_port(8700))), *words)
    finally:
        for path in ways:
            path.chmod(0o700)

    wrong = [one for one in json.loads(checked.stdout)["findings"] if one["level"] == "failure"]
    assert {one["id"] for one in wrong} == {"accounts.sealed"}
    assert f"chmod 700 {truth}" in {one["change"] for one in wrong}
    assert serving.returncode == 1
    assert f"'{WEB_NAME}' must not reach" in serving.stderr
    assert str(truth) in serving.stderr


@pytest.mark.parametrize(
    ("command", "as_whom", "message"),
    [
        ("serve", "as_worker", f"'{WEB_NAME}' alone serves, and this runs as 'sealrun'"),
        ("work", "as_web", f"'{WEB_NAME}' only serves, and this runs as '{WEB_NAME}'"),
    ],
)
def test_neither_process_starts_as_the_others_account(
    served: Served, command: str, as_whom: str, message: str
) -> None:
    done = getattr(served, as_whom)(*sealrun(command), "--site", str(served.settings))

    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_the_check_and_the_web_process_itself_notice_a_place_that_can_be_replaced(
    served: Served,
) -> None:
    words, place = ("--site", str(served.settings)), served.demo.directory
    place.chmod(0o2770)
    try:
        checked = served.as_worker(*CHECK, *words)
        serving = served.as_web(*sealrun("serve", "--port", str(free_port(8800))), *words)
    finally:
        place.chmod(0o750)

    wrong = [one for one in json.loads(checked.stdout)["findings"] if one["level"] == "failure"]
    assert [(one["id"], one["change"]) for one in wrong] == [
        ("accounts.trusted", f"chmod g-w,o-w {place}")
    ]
    assert serving.returncode == 1
    assert f"'{WEB_NAME}' must not be able to write to {place}" in serving.stderr
