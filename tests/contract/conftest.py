"""The schedulers that must keep the contract, each with what a test needs around it."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.interface import Phase
from scheduler.memory import MemoryScheduler
from site_config.practice.root.releases import DEFAULT_RELEASE
from tests.support.cluster.clusters import OTHER_RELEASES, Clusters
from tests.support.cluster.labs import ClusterLab, Lab, MemoryLab, RestLab
from tests.support.cluster.pyslurm_lab import PyslurmLab

CLUSTERS = [
    (DEFAULT_RELEASE, "commands"),
    (DEFAULT_RELEASE, "rest-tcp"),
    *itertools.product(OTHER_RELEASES, ("commands", "rest-socket")),
]


def _lab_param(release: str, way: str) -> object:
    marks = [pytest.mark.cluster]
    if (release, way) != CLUSTERS[0]:
        marks.append(pytest.mark.slow)
    if release in OTHER_RELEASES:
        marks.append(pytest.mark.other_release)
    return pytest.param((release, way), id=f"{release}-{way}", marks=marks)


@pytest.fixture(scope="session")
def tokens() -> Callable[[], str]:
    """Return a maker of names that no other run and no other test uses."""
    numbers = itertools.count()
    return lambda: f"contract-{time.time_ns()}-{next(numbers)}"


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest, tokens: Callable[[], str]) -> Iterator[Clusters]:
    """Return the way to the practice sites of all releases."""
    found = Clusters(lambda: request.getfixturevalue("practice_site"), tokens)
    yield found
    found.close()


@pytest.fixture
def cluster_lab(clusters: Clusters) -> Iterator[ClusterLab]:
    """Return Slurm's commands on the usual practice site, through SSH."""
    lab = clusters.lab(DEFAULT_RELEASE, "commands")
    yield lab
    lab.close()


@pytest.fixture(params=[_lab_param(*each) for each in CLUSTERS])
def slurm_lab(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[ClusterLab]:
    """Return each release of Slurm, by its commands and through slurmrestd, in turn."""
    lab = clusters.lab(*request.param)
    yield lab
    lab.close()


@pytest.fixture(params=[_lab_param(*each) for each in CLUSTERS if each[1] != "commands"])
def rest_lab(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[RestLab]:
    """Return slurmrestd of each release in turn."""
    lab = clusters.lab(*request.param)
    assert isinstance(lab, RestLab)
    yield lab
    lab.close()


@pytest.fixture(params=["memory", "pyslurm-standin", *[_lab_param(*each) for each in CLUSTERS]])
def lab(
    request: pytest.FixtureRequest, tmp_path: Path, tokens: Callable[[], str], clusters: Clusters
) -> Iterator[Lab]:
    """Return each scheduler in turn."""
    if request.param == "memory":
        yield MemoryLab(MemoryScheduler(), tmp_path, tokens)
        return
    if request.param == "pyslurm-standin":
        lab: Lab = PyslurmLab(tmp_path, tokens)
    else:
        lab = clusters.lab(*request.param)
    yield lab
    lab.close()


@pytest.fixture
def ordered() -> tuple[Phase, ...]:
    """Return the phases in the only order in which a job may pass through them."""
    return (Phase.PENDING, Phase.RUNNING, Phase.FINISHING, Phase.ENDED)
