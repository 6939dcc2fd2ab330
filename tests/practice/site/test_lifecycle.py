"""Up, down and everything that can go wrong in between, on real sites."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from site_config.practice.errors import NotReadyError, PracticeError
from site_config.practice.machine import cgroups
from site_config.practice.machine.networks import interface_for
from site_config.practice.machine.processes import Process
from site_config.practice.records import running_process, write_process
from site_config.practice.site import PracticeSite
from tests.support.cluster.inside import Inside

pytestmark = pytest.mark.cluster

COMMAND = [sys.executable, "-m", "site_config.practice"]
DAEMONS = ["sshd", "mariadbd", "slurmdbd", "slurmctld", "slurmd-gpu", "slurmd-build", "slurmrestd"]
MakeSite = Callable[[str], PracticeSite]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], check=False, capture_output=True, text=True, timeout=300
    )


def report(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")


def leftovers(site: PracticeSite) -> list[str]:
    """What a purged site could have left on this machine."""
    home = str(site.paths.home)
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    nodes = [f"slurm_{node}" for node in site.status().nodes]
    return [
        *([home] if site.paths.home.exists() else []),
        *[line for line in mounts if home in line],
        *[str(path) for path in Path("/sys/class/net").glob(interface_for(home))],
        *[str(path) for node in nodes for path in cgroups.CGROUPS.glob(f"*/{node}")],
    ]


def test_status_tells_what_the_portal_and_the_sysadmin_need(site: PracticeSite) -> None:
    status = site.status()

    assert (status.state, status.running, status.account_uid) == ("ready", True, 20301)
    assert status.release == "24.11"
    assert status.daemons == dict.fromkeys(DAEMONS, True)
    assert status.nodes == ("selftest-gpu", "selftest-build")
    assert status.disk_bytes > 10_000_000
    assert status.root_disk_bytes > 100_000_000
    told = json.loads(command("status", "--name", "selftest", "--json").stdout)
    assert told | {"disk_bytes": 0} == json.loads(json.dumps(asdict(status), default=str)) | {
        "disk_bytes": 0
    }


def test_a_second_up_changes_nothing(site: PracticeSite) -> None:
    before = site.status()

    began = time.monotonic()
    done = command("up", "--name", "selftest")
    report(f"second up: {time.monotonic() - began:.2f} s")

    assert (done.returncode, site.status().pid) == (0, before.pid), done.stderr


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 0.5, 0.8, 1.2])
def test_up_repairs_what_a_killed_up_left(make_site: MakeSite, seconds: float) -> None:
    site = make_site("killed")
    first = subprocess.Popen(
        [*COMMAND, "up", "--name", "killed"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    time.sleep(seconds)
    first.kill()
    first.communicate()

    status = site.up()

    assert (status.state, list(status.daemons.values())) == ("ready", [True] * len(DAEMONS))
    job = Inside(site).job("echo done", "--partition=build", "--mem=50M")
    assert (job.state, job.output) == ("COMPLETED", "done\n")
    site.down(purge=True)
    assert leftovers(site) == []


def test_up_repairs_a_site_whose_init_was_killed(make_site: MakeSite) -> None:
    site = make_site("killed")
    first = site.up()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)

    second = site.up()

    assert (second.state, second.pid == first.pid) == ("ready", False)


def test_two_ups_at_once_make_one_site(make_site: MakeSite) -> None:
    site = make_site("twice")
    ups = [
        subprocess.Popen(
            [*COMMAND, "up", "--name", "twice"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]

    outputs = [up.communicate(timeout=300)[0] for up in ups]

    assert [up.returncode for up in ups] == [0, 0], outputs
    assert sum(b"starting the site" in output for output in outputs) == 1
    assert site.status().state == "ready"


def test_down_keeps_accounting_keys_and_the_shared_folder(make_site: MakeSite) -> None:
    site = make_site("kept")
    site.up()
    first = Inside(site).job("true", "--partition=build", "--mem=50M")
    kept = [
        site.paths.ssh / "id_ed25519",
        site.paths.ssh / "known_hosts",
        site.paths.secrets / "oidc-client",
    ]
    before = [path.read_text(encoding="ascii") for path in kept]
    (site.paths.data / "private.txt").write_text("x", encoding="ascii")

    site.down()
    stopped = site.status()
    began = time.monotonic()
    site.up()
    report(f"start with the root built: {time.monotonic() - began:.2f} s")

    assert (stopped.state, stopped.running) == ("stopped", False)
    assert [path.read_text(encoding="ascii") for path in kept] == before
    assert (site.paths.data / "private.txt").read_text(encoding="ascii") == "x"
    assert Inside(site).wait(first.id) == first
    second = Inside(site).job("true", "--partition=build", "--mem=50M")
    assert int(second.id) > int(first.id)


def test_two_sites_run_side_by_side_and_down_ends_only_its_own(
    site: PracticeSite, make_site: MakeSite
) -> None:
    other = make_site("neighbour")
    other.up()
    assert other.status().address != site.status().address
    jobs = [
        Inside(each).job(
            "hostname; echo $SLURMD_NODENAME", "--partition=gpu", "--gres=gpu:1", "--mem=50M"
        )
        for each in (site, other)
    ]
    assert [job.output.split()[1] for job in jobs] == ["selftest-gpu", "neighbour-gpu"]
    # A stranger with the name of one of our daemons.
    stranger = subprocess.Popen(["slurmctld", "60"], executable="/bin/sleep")

    other.down(purge=True)

    assert stranger.poll() is None
    assert site.status().daemons == dict.fromkeys(DAEMONS, True)
    assert leftovers(other) == []
    stranger.kill()
    stranger.wait()


def test_down_spares_a_process_that_got_the_id_of_an_ended_site(make_site: MakeSite) -> None:
    site = make_site("reused")
    site.up()
    site.down()
    stranger = subprocess.Popen(["sleep", "60"])
    real = Process.of(stranger.pid)
    write_process(
        site.paths, Process(pid=real.pid, start_ticks=real.start_ticks - 1, boot=real.boot)
    )

    assert running_process(site.paths) is None
    site.down()

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("action", ["stop", "kill", "pause"])
def test_up_mends_a_single_daemon(site: PracticeSite, inside: Inside, action: str) -> None:
    before = site.status().pid
    assert inside.run("practice-daemon", action, "slurmctld", user="root").returncode == 0
    assert site.status().state == "degraded"

    mended = site.up()

    assert (mended.state, mended.pid) == ("ready", before)
    assert inside.run("scontrol", "ping", user="root").returncode == 0


def test_a_daemon_that_does_not_start_is_named_with_its_log(make_site: MakeSite) -> None:
    site = make_site("broken")
    site.up()
    site.down()
    # A database that MariaDB cannot open.
    (site.paths.state / "mysql/ibdata1").write_text("no database", encoding="ascii")

    with pytest.raises(
        NotReadyError, match=f"mariadbd ended with .*{site.paths.logs}/mariadbd.log"
    ):
        site.up()

    assert site.status().running is False


def test_another_account_needs_a_site_that_is_down(make_site: MakeSite) -> None:
    site = make_site("owner")
    site.up(account_uid=20301)

    with pytest.raises(PracticeError, match="runs for the user id 20301: take it down first"):
        site.up(account_uid=20302)

    site.down()
    site.up(account_uid=20302)
    owners = {
        path.stat().st_uid
        for path in (site.paths.storage, site.paths.ssh / "id_ed25519", site.paths.portal)
    }
    assert owners == {20302}
    assert Inside(site).run("id", "-u").stdout == "20302\n"


def test_a_site_keeps_its_release(site: PracticeSite) -> None:
    with pytest.raises(PracticeError, match=r"the site selftest has Slurm 24\.11, .* purge"):
        site.up(slurm="26.05")

    assert site.status().state == "ready"


def test_the_built_root_stays_clean(site: PracticeSite, inside: Inside) -> None:
    inside.run("touch", "/usr/bin/changed-by-a-test", user="root")

    root = json.loads((site.paths.home / "launch.json").read_text(encoding="ascii"))["root"]
    assert not Path(root, "usr/bin/changed-by-a-test").exists()
    assert inside.run("ls", "/usr/bin/changed-by-a-test").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["up", "--name", "Bad_Name"], "is no name for a site", id="name"),
        pytest.param(
            ["up", "--name", "x", "--account-uid", "0"],
            "it must be an ordinary one",
            id="root as account",
        ),
        pytest.param(
            ["shell", "--name", "nobody-made-me"],
            "does not run",
            id="shell of a site that is not there",
        ),
        pytest.param(
            ["logs", "--name", "selftest", "apache"], "no log of 'apache'", id="unknown log"
        ),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(
    site: PracticeSite, arguments: list[str], said: str
) -> None:
    done = command(*arguments)

    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (1, True, 1), (
        done.stderr
    )
    PracticeSite("x").down(purge=True)


def test_shell_runs_a_command_as_the_account_or_as_root(site: PracticeSite) -> None:
    users = [
        command("shell", "--name", "selftest", *more, "--", "id", "-un").stdout
        for more in ([], ["--user", "root"])
    ]

    assert users == ["challenge\n", "root\n"]


def test_a_private_umask_does_not_shut_the_account_out(make_site: MakeSite) -> None:
    site = make_site("umask")
    done = subprocess.run(
        ["sh", "-c", 'umask 077; exec "$@"', "sh", *COMMAND, "up", "--name", "umask"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert Inside(site).job("echo done", "--partition=build", "--mem=50M").output == "done\n"


def test_a_folder_that_the_account_cannot_enter_is_refused(
    root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = Path("/var/lib/sealrun-test-private")
    private.mkdir(mode=0o700, exist_ok=True)
    monkeypatch.setenv("SEALRUN_PRACTICE_DIR", f"{private}/sites")
    site = PracticeSite("closed")

    with pytest.raises(PracticeError, match=f"is below {private}, which the user id"):
        site.up(account_uid=20301)

    site.down(purge=True)
    assert list((private / "sites").glob("*")) == []
    shutil.rmtree(private)
