"""A program that takes from its node what another run on it needs."""

import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import pytest

from containers.scripts import run_script
from tests.cluster.node import Ended, PracticeNode, new_token
from tests.cluster.python_image import PYTHON
from tests.practice.conftest import Inside

pytestmark = [pytest.mark.cluster, pytest.mark.root]

LIMIT = 200
THREADS = 1500
PATIENCE = 60
WAIT = """
    import os, threading, time
    def wait(name):
        end = time.monotonic() + 60
        while not os.path.exists(f"/input/{name}") and time.monotonic() < end:
            time.sleep(0.1)
"""
TAKES = """
    for _ in range({threads}):
        threading.Thread(target=wait, args=("{mark}.end",), daemon=True).start()
    print("taken", flush=True)
    wait("{mark}.end")
    os._exit(0)
"""
NEEDS = """
    wait("{mark}.go")
    try:
        for _ in range(50):
            threading.Thread(target=wait, args=("{mark}.end",), daemon=True).start()
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
            replace(sealed, process_limit=limit), token=token, directory=PurePosixPath(directory)
        )
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


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
