"""The schedulers that must keep the contract, each with what a test needs around it."""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from scheduler.interface import Phase
from scheduler.memory import MemoryScheduler
from tests.contract.labs import ClusterLab, Lab, MemoryLab, connect


@pytest.fixture(scope="session")
def tokens() -> Callable[[], str]:
    """Return a maker of names that no other run and no other test uses."""
    numbers = itertools.count()
    return lambda: f"contract-{time.time_ns()}-{next(numbers)}"


@pytest.fixture(scope="session")
def cluster_folder(practice_site: dict[str, Any]) -> Iterator[PurePosixPath]:
    """Make a folder on the cluster's storage, and remove it with all that jobs left in it."""
    storage = PurePosixPath(practice_site["clusters"]["main"]["storage"])
    folder = storage / f"contract-{time.time_ns()}"
    transport = connect(practice_site)
    transport.run(["mkdir", str(folder)], timeout=timedelta(seconds=20))
    yield folder
    transport.run(["rm", "-r", str(folder)], timeout=timedelta(seconds=20))
    transport.close()


@pytest.fixture
def cluster_lab(
    practice_site: dict[str, Any], cluster_folder: PurePosixPath, tokens: Callable[[], str]
) -> Iterator[ClusterLab]:
    """Return Slurm's commands on the practice site, through SSH."""
    lab = ClusterLab(practice_site, cluster_folder, tokens)
    yield lab
    lab.close()


@pytest.fixture(params=["memory", pytest.param("commands-ssh", marks=pytest.mark.cluster)])
def lab(request: pytest.FixtureRequest, tmp_path: Path, tokens: Callable[[], str]) -> Iterator[Lab]:
    """Return each scheduler in turn."""
    if request.param == "memory":
        yield MemoryLab(MemoryScheduler(), tmp_path, tokens)
    else:
        yield request.getfixturevalue("cluster_lab")


@pytest.fixture
def ordered() -> tuple[Phase, ...]:
    """Return the phases in the only order in which a job may pass through them."""
    return (Phase.PENDING, Phase.RUNNING, Phase.FINISHING, Phase.ENDED)
