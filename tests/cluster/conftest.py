"""Fixtures of the tests on the practice site: the example challenge, and a site that has run it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster.digits import digits
from tests.support.cluster.spine import PATIENCE, SECRET_VALUE, OpenSpine, Spine, open_spine

__all__ = ["digits"]


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
    """Return a site to which all files were submitted and that is settled, and their submissions.

    The worker's environment holds a secret, which must not get into any job.
    """
    spine = open_site()
    people = [spine.new_person() for _ in range(4)]
    names = [*spine.expected(), *spine.expected_failures()]
    submissions = {
        name: spine.submit(name, people[number % len(people)]) for number, name in enumerate(names)
    }
    worker = spine.start_worker(SEALRUN_SECRET=SECRET_VALUE, PGPASSWORD=SECRET_VALUE)
    spine.wait(PATIENCE, spine.is_settled)
    assert worker.poll() is None
    return spine, submissions
