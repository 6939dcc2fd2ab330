"""Sites with another release of Slurm: they start, enforce the same, and run Apptainer."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket

import pytest

from site_config.practice.root.releases import DEFAULT_RELEASE, RELEASES, Release
from site_config.practice.site import PracticeSite
from tests.practice.checking import check, sealrun
from tests.support.cluster.inside import Inside

pytestmark = pytest.mark.cluster
OTHERS = [release for release in RELEASES if release.name != DEFAULT_RELEASE]

SEE = """
set -e
cd "$WORK"
mkdir -p image/bin image/dev image/proc image/sys image/tmp image/etc
cp /bin/busybox image/bin/busybox
ln -sf busybox image/bin/sh
apptainer --quiet build --force --fix-perms see.sif image 2>/dev/null
for number in 0 1; do
  (: < /dev/nvidia$number) 2>&1 | sed "s/.*: //"
done
apptainer --quiet exec --containall --no-eval --network none see.sif \
  /bin/busybox grep -o "^ *[a-z0-9]*:" /proc/net/dev 2>/dev/null
"""


@pytest.fixture(scope="module", params=OTHERS, ids=[release.name for release in OTHERS])
def other(root: None, request: pytest.FixtureRequest) -> Iterator[tuple[PracticeSite, Release]]:
    """A running site of each other release."""
    release: Release = request.param
    site = PracticeSite(f"release-{release.name.replace('.', '')}", say=print)
    site.down(purge=True)
    site.up(account_uid=20301, slurm=release.name)
    yield site, release
    site.down(purge=True)


class SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.connect(str(self._path))


def test_it_is_the_release_that_was_asked_for(other: tuple[PracticeSite, Release]) -> None:
    site, release = other

    version = Inside(site).run("scontrol", "--version").stdout

    assert (site.status().state, site.status().release) == ("ready", release.name)
    assert f" {release.name}." in version
    assert all(site.status().daemons.values())


def test_a_gpu_job_runs_apptainer_and_opens_its_own_gpu_only(
    other: tuple[PracticeSite, Release],
) -> None:
    site, _ = other
    work = f"WORK={site.paths.storage}"

    job = Inside(site).job(
        f"PATH=/usr/bin:/bin; {work}; {SEE}", "--partition=gpu", "--gres=gpu:1", "--mem=500M"
    )

    lines = [line.strip() for line in job.output.splitlines()]
    assert (job.state, lines) == (
        "COMPLETED",
        ["No such device or address", "Operation not permitted", "lo:"],
    )


def test_memory_is_enforced_and_tmp_is_private(other: tuple[PracticeSite, Release]) -> None:
    inside = Inside(other[0])

    greedy = inside.job("head -c 300m /dev/zero | tail", "--partition=build", "--mem=50M")
    first = inside.job("touch /tmp/left; ls /tmp", "--partition=build", "--mem=50M")
    second = inside.job("ls /tmp", "--partition=build", "--mem=50M")

    assert greedy.state == "OUT_OF_MEMORY"
    assert (first.output, second.output) == ("left\n", "")


def test_slurmrestd_answers_at_its_socket_and_its_port(
    other: tuple[PracticeSite, Release],
) -> None:
    site, release = other
    status = site.status()
    token = (site.paths.secrets / "slurm-token").read_text(encoding="ascii").strip()
    headers = {"X-SLURM-USER-NAME": "challenge", "X-SLURM-USER-TOKEN": token}
    path = f"/slurm/{release.rest_version}/jobs/"

    doors = (SocketConnection(status.rest_socket), HTTPConnection(status.address, 6820, timeout=10))
    answers = []
    for connection in doors:
        with closing(connection):
            connection.request("GET", path, headers=headers)
            answers.append(connection.getresponse().status)

    assert answers == [200, 200]


def test_check_site_finds_only_what_the_release_cannot_do(
    other: tuple[PracticeSite, Release],
) -> None:
    site, release = other
    sealrun(site, "db", "upgrade")

    checked = check(site, "--quick", "--profile", "gpu-small")

    wrong = checked.wrong().keys()
    assert wrong == (set() if release.chooses_private_folders else {"probe.files"})
    assert checked.code == (1 if wrong else 0)


def test_it_stops_and_starts_again_with_its_release(other: tuple[PracticeSite, Release]) -> None:
    site, release = other
    first = Inside(site).job("true", "--partition=build", "--mem=50M")

    site.down()
    stopped = subprocess.run(["pgrep", "-f", f"{site.name}-gpu"], check=False, capture_output=True)
    site.up()

    assert stopped.stdout == b""
    assert (site.status().state, site.status().release) == ("ready", release.name)
    assert Inside(site).wait(first.id) == first
