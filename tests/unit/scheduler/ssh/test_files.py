"""Files by SFTP, with the connection broken at every request of every call."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.errors import UnreachableError
from scheduler.files import FetchLimits
from scheduler.ssh.files import TIMEOUT, SftpFiles
from scheduler.ssh.transport import SshTransport
from tests.unit.scheduler.ssh.sftp_server import Breakage, served_files
from tests.unit.scheduler.ssh.ssh_server import ssh_server

CONTENT = {"job.sh": b"#!/bin/sh\n", "data/big": bytes(range(256)) * 320, "data/empty": b""}
EVERYTHING = FetchLimits(bytes=1_000_000, entries=100, last="done")
MAX_REQUESTS = 200
"""Requests that one call may take in these tests; more would mean that it does not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two machines that know the same path: ``here``, and what the server has for it ``there``."""

    here: Path
    there: Path
    files: SftpFiles
    breakage: Breakage

    def fill(self, folder: Path) -> None:
        for name, content in CONTENT.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    def whole(self, folder: Path) -> dict[str, bytes]:
        """Return the files by name, without those that are still being carried."""
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def clear(self) -> None:
        for folder in (self.here, self.there):
            shutil.rmtree(folder, ignore_errors=True)
        self.here.mkdir(parents=True)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    here, root = tmp_path / "storage", tmp_path / "server"
    here.mkdir()
    (root / str(tmp_path).lstrip("/")).mkdir(parents=True)
    with ssh_server(tmp_path) as server:
        breakage = Breakage(server.drop_connections)
        server.files = served_files(root, breakage)
        transport = SshTransport(
            host="127.0.0.1",
            port=server.port,
            user="challenge",
            key_file=tmp_path / "id",
            known_hosts=tmp_path / "known_hosts",
            path=os.defpath,
        )
        yield Pair(
            here=here,
            there=root / str(here).lstrip("/"),
            files=SftpFiles(transport),
            breakage=breakage,
        )
        transport.close()


def _broken_everywhere(
    pair: Pair, prepare: Callable[[], None], call: Callable[[], object]
) -> Iterator[int]:
    """Make a call with the connection broken at its first request, its second, and so on, until none is left."""
    for after in (False, True):
        for number in range(1, MAX_REQUESTS):
            pair.clear()
            prepare()
            pair.breakage.requests, pair.breakage.at, pair.breakage.after = 0, number, after
            try:
                call()
            except UnreachableError:
                yield number
            else:
                assert pair.breakage.requests < number, "a broken connection was passed over"
                break
            finally:
                pair.breakage.at = 0
        else:
            pytest.fail(f"more than {MAX_REQUESTS} requests")


def test_what_is_sent_is_there_whole_or_not_at_all_wherever_it_breaks(pair: Pair) -> None:
    broken = 0
    for _ in _broken_everywhere(
        pair, lambda: pair.fill(pair.here), lambda: pair.files.put(pair.here)
    ):
        broken += 1
        for name, content in pair.whole(pair.there).items():
            assert content == CONTENT[name]

        pair.files.put(pair.here)

        assert pair.whole(pair.there) == CONTENT

    assert broken > 20


def test_what_is_fetched_is_here_whole_or_not_at_all_wherever_it_breaks(pair: Pair) -> None:
    def prepare() -> None:
        pair.fill(pair.there)
        (pair.there / "done").write_bytes(b"")

    wanted, broken = CONTENT | {"done": b""}, 0
    for _ in _broken_everywhere(pair, prepare, lambda: pair.files.get(pair.here, EVERYTHING)):
        broken += 1
        for name, content in pair.whole(pair.here).items():
            assert content == wanted[name]

        pair.files.get(pair.here, EVERYTHING)

        assert pair.whole(pair.here) == wanted

    assert broken > 20


def test_an_image_is_in_its_place_once_wherever_the_move_breaks(pair: Pair) -> None:
    final = pair.here / "images" / "one.sif"

    def prepare() -> None:
        pair.there.mkdir(parents=True)
        (pair.there / "image.sif").write_bytes(b"SIF")

    def move() -> int:
        return pair.files.keep(pair.here / "image.sif", final)

    broken = 0
    for _ in _broken_everywhere(pair, prepare, move):
        broken += 1
        assert move() == 3
        assert pair.whole(pair.there) == {"images/one.sif": b"SIF"}

    assert broken > 8


def test_what_is_removed_is_gone_in_the_end_wherever_it_breaks(pair: Pair) -> None:
    broken = 0
    for _ in _broken_everywhere(
        pair, lambda: pair.fill(pair.there), lambda: pair.files.remove([pair.here])
    ):
        broken += 1
        assert pair.files.remove([pair.here])
        assert not pair.there.exists()

    assert broken > 10


def test_a_claim_whose_answer_was_lost_is_found_to_be_taken(pair: Pair) -> None:
    """Nobody may think that it has a claim of which it does not know."""
    for _ in _broken_everywhere(
        pair,
        lambda: pair.there.mkdir(parents=True),
        lambda: pair.files.make_once(pair.here / "claim", 0o500),
    ):
        was_made = (pair.there / "claim").exists()

        again = pair.files.make_once(pair.here / "claim", 0o500)

        assert (again is not None) == was_made


def test_what_a_dead_worker_left_half_sent_is_removed_with_the_next_file(pair: Pair) -> None:
    pair.fill(pair.here)
    pair.there.mkdir(parents=True)
    old, young, other = (pair.there / name for name in (".a.1.part", ".b.2.part", ".keep"))
    for path in (old, young, other):
        path.write_bytes(b"half")
    for path in (old, other):
        long_ago = time.time() - 3 * TIMEOUT.total_seconds()
        os.utime(path, (long_ago, long_ago))

    pair.files.put(pair.here / "job.sh")

    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)
