"""Fixtures of the tests on the practice site: the example challenge, and a site that has run it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.digits.build import DEFAULT_CACHE, build
from tests.cluster.spine import Spine, open_spine
from tests.support.required import required

SECRET_VALUE = "hunter2-of-the-portal"
PATIENCE = timedelta(minutes=15)

OpenSpine = Callable[..., Spine]


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built digits challenge; ``make test`` builds it before."""
    if built := os.environ.get("SEALRUN_EXAMPLE"):
        return Path(built)
    required("mmdebstrap, which builds the example", shutil.which("mmdebstrap") is not None)
    target = tmp_path_factory.mktemp("digits")
    cache = Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE))
    build(target, cache if os.access(cache, os.W_OK) else tmp_path_factory.mktemp("cache"))
    return target


@pytest.fixture(scope="session")
def open_site(practice_site: dict[str, Any], digits: Path) -> Iterator[OpenSpine]:
    """Return what opens a new site with the digits challenge on the practice site."""
    name = Path(practice_site["clusters"]["main"]["storage"]).parents[1].name
    with ExitStack() as opened:

        def new(**changes: Any) -> Spine:
            spine = open_spine(name, digits, changes=[changes])
            opened.callback(spine.close)
            return spine

        yield new


@pytest.fixture(scope="session")
def everything(open_site: OpenSpine) -> tuple[Spine, dict[str, str]]:
    """Return a site to which all files were handed in and that is settled, and their submissions.

    The worker's environment holds a secret, which must not get into any job.
    """
    spine = open_site()
    people = [spine.new_person() for _ in range(4)]
    names = [*spine.expected(), *spine.expected_failures()]
    submissions = {
        name: spine.hand_in(name, people[number % len(people)]) for number, name in enumerate(names)
    }
    worker = spine.start_worker(SEALRUN_SECRET=SECRET_VALUE, PGPASSWORD=SECRET_VALUE)
    spine.wait(PATIENCE, spine.is_settled)
    assert worker.poll() is None
    return spine, submissions
