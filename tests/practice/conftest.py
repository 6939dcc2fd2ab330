"""Practice sites for the tests: real ones, by root, with names of their own, always taken down."""

import os
from collections.abc import Callable, Iterator

import pytest

from site_config.practice.site import PracticeSite
from tests.support.cluster.inside import Inside


@pytest.fixture(scope="session")
def root() -> None:
    """Skip where there is no root: a practice site cannot be made then."""
    if os.geteuid() != 0:
        pytest.skip("making practice sites needs root")


@pytest.fixture(scope="session")
def site(root: None) -> Iterator[PracticeSite]:
    """A running site that all tests share; they leave it running."""
    shared = PracticeSite("selftest", say=print)
    shared.down(purge=True)
    shared.up(account_uid=20301)
    yield shared
    shared.down(purge=True)


@pytest.fixture(scope="session")
def inside(site: PracticeSite) -> Inside:
    return Inside(site)


@pytest.fixture
def make_site(root: None) -> Iterator[Callable[[str], PracticeSite]]:
    """Sites by name, none of them there before or afterwards."""
    made: list[PracticeSite] = []

    def make(name: str) -> PracticeSite:
        one = PracticeSite(name)
        one.down(purge=True)
        made.append(one)
        return one

    yield make
    for one in made:
        one.down(purge=True)
