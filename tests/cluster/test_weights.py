"""Weights, as a real run finds them."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from containers.interface import Bind, BuildKind
from portal.files.archives.submitted import unpack_results
from tests.support.cluster.node import Ended, PracticeNode
from tests.support.cluster.python_image import write_python_archive
from tests.support.required import required

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BUSYBOX = Path("/bin/busybox")
LOOK = "cd /weights; for f in $(busybox find . -type f | busybox sort); do echo $f; busybox cat $f; done; echo x >>$f"


@pytest.fixture(scope="module")
def node(practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    required("Debian's busybox-static", BUSYBOX.exists())
    node = PracticeNode(practice_site)
    node.build_probe(BUSYBOX)
    yield node
    node.close()


@pytest.fixture(scope="module")
def image(node: PracticeNode) -> Path:
    archive = node.file("python.tar")
    write_python_archive(BUSYBOX, archive)
    return node.build(BuildKind.ARCHIVE, archive).directory / "image.sif"


def look(node: PracticeNode, image: Path, source: Path, target: str) -> Ended:
    directory = node.new_directory("run")
    run = node.sealed(image, ("/bin/sh", "-c", LOOK), directory)
    bind = Bind(source=PurePosixPath(source), target=PurePosixPath(target))
    return node.run(replace(run, binds=(bind, *run.binds)), directory)


def test_a_single_file_is_found_under_its_name_and_cannot_be_changed(
    node: PracticeNode, image: Path
) -> None:
    weights = node.file("ab12", b"numbers\n")
    weights.chmod(0o640)

    ended = look(node, image, weights, "/weights/model.bin")

    assert ended.stdout == "./model.bin\nnumbers\n"
    assert "Read-only file system" in (ended.directory / "stderr.log").read_text()
    assert ended.record.sealed
    assert weights.read_bytes() == b"numbers\n"


def test_the_files_of_an_archive_are_found_as_they_were_in_it(
    node: PracticeNode, image: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "shards.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("one.bin", "1\n")
        packed.writestr("more/two.bin", "2\n")
    place = node.folder / "unpacked"
    unpack_results(archive, place, required=(), max_bytes=1000, max_files=10)
    node.give(place, *place.rglob("*"))

    ended = look(node, image, place, "/weights")

    assert ended.stdout == "./more/two.bin\n2\n./one.bin\n1\n"
    assert "Read-only file system" in (ended.directory / "stderr.log").read_text()
