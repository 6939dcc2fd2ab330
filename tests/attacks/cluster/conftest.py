"""The practice site under attack: by root, so that a test can do what only the site's own people can."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from containers.interface import BuildKind
from site_config.practice.site import PracticeSite
from tests.attacks.cluster.scenes.images import BUSYBOX, image_of
from tests.attacks.cluster.scenes.slurm_programs import slurm_entries
from tests.support.cluster.digits import digits
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import PracticeNode
from tests.support.cluster.python_image import write_python_archive
from tests.support.required import required

__all__ = ["digits"]


@pytest.fixture(scope="session")
def practice(practice_site: dict[str, Any]) -> PracticeSite:
    required("root, which a practice site obeys", os.geteuid() == 0)
    return PracticeSite(Path(practice_site["clusters"]["main"]["storage"]).parents[1].name)


@pytest.fixture(scope="session")
def inside(practice: PracticeSite) -> Inside:
    return Inside(practice)


@pytest.fixture(scope="session")
def node(practice: PracticeSite, practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    required("Debian's busybox-static", BUSYBOX.exists())
    node = PracticeNode(practice_site)
    node.build_probe(BUSYBOX)
    yield node
    node.close()


@pytest.fixture(scope="session")
def python(node: PracticeNode, inside: Inside) -> Path:
    """An image with Python, with programs of Slurm, and with one that is set-user-ID root."""
    archive = node.file("python.tar")
    write_python_archive(BUSYBOX, archive, extra=slurm_entries(inside))
    return image_of(node.build(BuildKind.ARCHIVE, archive))
