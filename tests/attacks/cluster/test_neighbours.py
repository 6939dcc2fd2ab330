"""A program that takes from its node what another run on it needs."""

import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import pytest

from containers.scripts import run_script
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import Ended, PracticeNode, new_token
from tests.support.cluster.python_image import PYTHON
from tests.support.patience import until

pytestmark = [pytest.mark.cluster, pytest.mark.root]

LIMIT = 200
THREADS = 1500
WAIT = """
    import os, threading, time
    def wait(name):
        while not os.path.exists(f"/input/{name}"):
            time.sleep(0.1)
    never = threading.Event()
"""
TAKES = """
    for _ in range({threads}):
        threading.Thread(target=never.wait, daemon=True).start()
    print("taken", flush=True)
    wait("{mark}.end")
    os._exit(0)
"""
NEEDS = """
    wait("{mark}.go")
    try:
        for _ in range(50):
            threading.Thread(target=never.wait, daemon=True).start()
        print("all there", flush=True)
    except RuntimeError:
        print("no thread left", flush=True)
    os._exit(0)
"""


@pytest.fixture
def neighbour(node: PracticeNode, practice_site: dict[str, Any]) -> Iterator[Callable[..., Ended]]:
    """Return what runs a program beside others, through a connection of its own."""
    opened = []

    def run(image: Path, code: str, *, limit: int, counted: str) -> Ended:
        other = PracticeNode(practice_site)
        opened.append(other)
        directory, token = node.new_directory("run"), new_token()
        sealed = node.sealed(image, (PYTHON, "-c", textwrap.dedent(code)), directory)
        script = run_script(
            replace(sealed, process_limit=limit, disk="watched"),
            token=token,
            directory=PurePosixPath(directory),
        )
        # Without a namespace for its file systems either, which would be counted apart as well.
        if counted == "shared":
            script = script.replace("\nfind_processes\n", "\nprocesses=shared\n")
        return other.execute(script, token, directory, partition="gpu")

    yield run
    for one in opened:
        one.close()


@pytest.mark.attack(68)
@pytest.mark.parametrize(
    ("counted", "told"), [("shared", "no thread left\n"), ("apart", "all there\n")]
)
def test_threads_of_one_run_leave_another_its_own(
    node: PracticeNode,
    python: Path,
    inside: Inside,
    neighbour: Callable[..., Ended],
    counted: str,
    told: str,
) -> None:
    """The first case shows the attack on a node whose kernel counts all of the account's together."""
    node.sealed(python, (PYTHON,), node.folder)
    mark = uuid4().hex
    needs, takes = (
        textwrap.dedent(WAIT) + textwrap.dedent(code).format(mark=mark, threads=THREADS)
        for code in (NEEDS, TAKES)
    )
    before = {path.parent for path in node.folder.glob("run */stdout.log")}

    with ThreadPoolExecutor() as pool:
        victim = pool.submit(neighbour, python, needs, limit=LIMIT, counted=counted)
        until(lambda: {path.parent for path in node.folder.glob("run */stdout.log")} > before)
        bomb = pool.submit(neighbour, python, takes, limit=2 * THREADS, counted=counted)
        until(lambda: tasks(inside) > THREADS)
        node.file(f"data/{mark}.go")
        told_by_victim = victim.result().stdout
        node.file(f"data/{mark}.end")

    assert bomb.result().stdout == "taken\n"
    assert told_by_victim == told


def tasks(inside: Inside) -> int:
    """Return how many processes and threads the site's account has."""
    return len(inside.run("ps", "-L", "-u", "challenge", "-o", "tid=").stdout.split())


HIDES = """
    import errno, os
    os.makedirs("/tmp/a/b")
    here = os.open("{place}", os.O_RDONLY)
    made = written = 0
    told = None
    try:
        # No path leads to the last of them, and it is shut.
        for _ in range(30):
            os.mkdir("n" * 250, dir_fd=here)
            inner = os.open("n" * 250, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
        os.mkdir("shut", 0o700, dir_fd=here)
        shut = os.open("shut", os.O_RDONLY, dir_fd=here)
        file = os.open("big", os.O_WRONLY | os.O_CREAT, dir_fd=shut)
        os.fchmod(shut, 0o300)
        while written < 64:
            written += os.write(file, bytes(1 << 20)) >> 20
    except OSError as error:
        told = errno.errorcode[error.errno]
    print(written, told)
"""
COUNTS = """
    import errno, os
    made, told = 0, None
    try:
        while made < 4000:
            os.mkdir(f"{place}/{{made}}")
            made += 1
    except OSError as error:
        told = errno.errorcode[error.errno]
    print(made < 1200, told)
"""


@pytest.mark.attack(65)
@pytest.mark.parametrize("place", ["/output", "/tmp", "/var/tmp"])
def test_what_no_path_leads_to_has_no_more_room_than_anything_else(
    node: PracticeNode, python: Path, place: str
) -> None:
    ended = run_limited(node, python, HIDES.format(place=place))

    written, told = ended.stdout.split()
    assert int(written) < 24
    assert told == "ENOSPC"
    assert ended.record.versions["space"] == "fixed"


@pytest.mark.attack(65)
@pytest.mark.parametrize("place", ["/output", "/tmp"])
def test_directories_without_number_end_with_their_job(
    node: PracticeNode, python: Path, inside: Inside, place: str
) -> None:
    ended = run_limited(node, python, COUNTS.format(place=place))

    assert ended.stdout == "True ENOSPC\n"
    # What other jobs have there is less than that, and the folder goes a moment after the job.
    until(lambda: left_on_the_nodes(inside) < 500)
    assert len(list((ended.directory / "output").iterdir())) <= 1000


def run_limited(node: PracticeNode, image: Path, code: str) -> Ended:
    directory = node.new_directory("run")
    run = node.sealed(image, (PYTHON, "-c", textwrap.dedent(code)), directory)
    size = 16 * 1024**2
    limits = {
        "output_limit": size,
        "output_files": 1000,
        "scratch_limit": size,
        "scratch_files": 1000,
    }
    return node.run(replace(run, disk="fixed", **limits), directory)


def left_on_the_nodes(inside: Inside) -> int:
    """Return how many files and directories are where the site's jobs have their private folders."""
    return len(inside.run("find", "/var/spool/slurm-tmp", user="root").stdout.splitlines())
