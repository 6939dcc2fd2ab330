"""A cluster that shares no directory with the portal: files are carried by SFTP, there and back."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from examples.demo.participant import Participant, Seen
from examples.demo.processes import Processes, free_port
from examples.demo.settings import DemoSite, prepare_site
from portal.domain.evaluations.failures import FAILURES, FailureReason
from scheduler.errors import UnreachableError
from scheduler.files import FetchLimits
from scheduler.ssh.files import SftpFiles
from scheduler.ssh.transport import SshTransport
from site_config.practice.site import PracticeSite
from tests.practice.examples import built_digits
from tests.practice.portals import KINDS, give, settled, start_portal
from tests.support.cluster.inside import Inside
from tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.cluster

NAME = "apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A portal, and a directory at the same path on its machine and, another one, on the nodes."""

    demo: DemoSite
    storage: Path
    inside: Inside
    digits: Path

    def submit(self, *files: str) -> dict[str, Seen]:
        """Submit files and wait until all have ended."""
        with closing(Participant(self.demo.portal, "ada")) as ada:
            ada.log_in()
            addresses = {
                name: ada.submit(
                    "digits", "dev", KINDS[Path(name).suffix], self.digits / "submissions" / name
                )
                for name in files
            }
            return {name: settled(ada, address) for name, address in addresses.items()}


@pytest.fixture(scope="module")
def apart(
    site: PracticeSite, inside: Inside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Apart]:
    status, digits = site.status(), built_digits(tmp_path_factory)
    uid = int(str(status.account_uid))
    demo = prepare_site(
        status, digits, portal_port=free_port(8620), provider_port=free_port(9620), name=NAME
    )
    storage = site.paths.home / "apart"
    storage.mkdir(mode=0o700, exist_ok=True)
    made = inside.run("install", "-d", "-o", str(uid), "-m", "0700", str(storage), user="root")
    assert made.returncode == 0, made.stderr
    settings = yaml.safe_load(demo.settings.read_text(encoding="utf-8"))
    settings["clusters"]["main"] |= {"storage": str(storage), "files": "sftp"}
    demo.settings.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    give(uid, demo.directory, storage, site.paths.data / NAME)
    with Processes(demo.directory / "logs", os.environ) as processes:
        start_portal(processes, demo, site, digits, [digits / "challenge"])
        yield Apart(demo=demo, storage=storage, inside=inside, digits=digits)


def test_every_kind_of_submission_is_scored_without_a_shared_directory(apart: Apart) -> None:
    seen = apart.submit("knn.zip", "centroid.tar", "predictions.csv")

    expected = json.loads((apart.digits / "submissions/expected.json").read_text())
    images = apart.inside.run("ls", str(apart.storage / "images"), user="root").stdout.split()
    assert {name: set(one.scores) != set() for name, one in seen.items()} == dict.fromkeys(
        seen, True
    ), seen
    assert set(seen) <= set(expected)
    assert len([name for name in images if name.endswith(".sif")]) >= 5
    assert list((apart.storage / "images").glob("*.sif")) == []


def test_what_must_fail_fails_alike(apart: Apart) -> None:
    bad = json.loads((apart.digits / "submissions/bad.json").read_text())
    files = ("many_files.zip", "crash.zip", "nan.csv")

    seen = apart.submit(*files)

    assert {name: one.told for name, one in seen.items()} == {
        name: FAILURES[FailureReason(bad[name])].title for name in files
    }


def test_a_run_on_the_sample_reads_the_sample_and_says_what_went_wrong(apart: Apart) -> None:
    bad = json.loads((apart.digits / "submissions/bad.json").read_text())
    with closing(Participant(apart.demo.portal, "ada")) as ada:
        ada.log_in()
        seen = {}
        for name in ("knn.zip", "crash.zip"):
            file = apart.digits / "submissions" / name
            address = ada.submit("digits", "dev", "code", file, smoke=True)
            seen[name] = settled(ada, address)

    assert (seen["knn.zip"].told, seen["knn.zip"].scores) == ("", {})
    assert seen["crash.zip"].told == FAILURES[FailureReason(bad["crash.zip"])].title


def test_hostile_entries_are_not_followed_and_a_growing_file_is_cut(
    site: PracticeSite, inside: Inside, tmp_path: Path
) -> None:
    there = tmp_path / "run"
    made = inside.run(
        "sh",
        "-c",
        f"mkdir -p {there}/output/more && cd {there}/output && ln -s /etc/passwd link && mkfifo pipe"
        " && printf 12345 > more/file && ln more/file twice && head -c 100000 /dev/zero > zeros"
        f" && chown -R challenge {tmp_path}",
        user="root",
    )
    there.mkdir()
    transport = _transport(site)
    output = there / "output"
    try:
        SftpFiles(transport).get(there, FetchLimits(bytes=1_000_000, entries=100))
        whole = {path.name: path.lstat().st_size for path in output.rglob("*") if path.is_file()}
        for path in output.rglob("*"):
            if path.is_file():
                path.unlink()
        SftpFiles(transport).get(there, FetchLimits(bytes=50_000, entries=100))
    finally:
        transport.close()

    assert made.returncode == 0, made.stderr
    assert whole == {"file": 5, "twice": 5, "zeros": 100_000}
    assert (output / "link").readlink() == Path("refused")
    assert (output / "pipe").readlink() == Path("refused")
    assert sum(path.lstat().st_size for path in output.rglob("*") if path.is_file()) == 50_001


def test_a_directory_is_made_once_and_says_whose_it_is(site: PracticeSite, inside: Inside) -> None:
    folder = site.paths.home / "once"
    inside.run("install", "-d", "-o", "challenge", str(folder), user="root")
    transport = _transport(site)
    files = SftpFiles(transport)
    try:
        first = files.make_once(folder / "claim", 0o500)
        second = files.make_once(folder / "claim", 0o500)
        gone = files.remove([folder / "claim"])
    finally:
        transport.close()

    assert (first, oct(second or 0), gone) == (None, "0o40500", True)


def test_what_is_sent_again_is_not_sent_twice(site: PracticeSite, inside: Inside) -> None:
    folder = site.paths.home / "sent"
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("content", encoding="ascii")
    inside.run("install", "-d", "-o", "challenge", str(folder), user="root")
    transport = _transport(site)
    files = SftpFiles(transport)
    try:
        files.put(folder)
        before = inside.run("stat", "-c", "%i %s %a", str(folder / "file"), user="root").stdout
        files.put(folder)
        after = inside.run("stat", "-c", "%i %s %a", str(folder / "file"), user="root").stdout
    finally:
        transport.close()

    assert before == after
    assert before.split()[1] == "7"


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_transfer_that_is_cut_leaves_no_half_a_file_and_is_done_again(
    site: PracticeSite, inside: Inside, way: str
) -> None:
    """The server's end of the transfer is killed in the middle of a file, as by a login node that restarts."""
    folder = site.paths.home / f"cut-{way}"
    inside.run("install", "-d", "-o", "challenge", str(folder), user="root")
    folder.mkdir(exist_ok=True)
    big, size = folder / "big", 96 * 2**20
    if way == "there":
        big.write_bytes(bytes(size))
    else:
        inside.run("truncate", "-s", str(size), str(big))
    transport = _transport(site)
    files = SftpFiles(transport)
    limits = FetchLimits(bytes=2 * size, entries=10)

    def carry() -> None:
        files.put(big) if way == "there" else files.get(folder, limits)

    def sizes() -> dict[str, int]:
        """Return what has arrived: there, asked inside; back, here."""
        if way == "back":
            return {one.name: one.stat().st_size for one in folder.iterdir()}
        listed = inside.run("find", str(folder), "-type", "f", "-printf", "%f %s\n", user="root")
        return {name: int(number) for name, number in map(str.split, listed.stdout.splitlines())}

    try:
        with ThreadPoolExecutor(1) as others:
            carried = others.submit(carry)
            until(lambda: any(0 < one < size for one in sizes().values()), pause=0)
            killed = inside.run(
                "pkill", "-KILL", "-u", "challenge", "-f", "challenge@", user="root"
            )
            with pytest.raises(UnreachableError):
                carried.result(timeout=PATIENCE)
        after_the_cut = sizes()
        carry()
        in_the_end = sizes()
    finally:
        transport.close()

    assert killed.returncode == 0
    assert "big" not in after_the_cut
    assert in_the_end["big"] == size


def _transport(site: PracticeSite) -> SshTransport:
    return SshTransport(
        host=site.status().address,
        user="challenge",
        key_file=site.paths.ssh / "id_ed25519",
        known_hosts=site.paths.ssh / "known_hosts",
    )
