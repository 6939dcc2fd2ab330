"""Requirements that pip would obey as orders: shown with real pip, in the container that installs."""

import io
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from containers.interface import BuildKind, Packages
from portal.files.archives.requirements import canonical, read_requirements
from portal.files.errors import BadArchiveError
from tests.support.cluster.node import Ended, PracticeNode, sha256
from tests.support.cluster.python_image import PIP
from tests.support.required import required

pytestmark = [pytest.mark.cluster, pytest.mark.root, pytest.mark.attack(67)]

FILE = "/proc/self/status"
HIDDEN = {
    "another coding": f"# coding: utf-7\n+AAo--r {FILE}\n".encode(),
    "after a break that no editor shows": f"# \u2028-r {FILE}\n".encode(),
}


@pytest.fixture(scope="module")
def wheels(node: PracticeNode) -> Path:
    """A collection with nothing but pip in it."""
    folder = node.new_directory("wheels")
    pip = sorted(PIP.glob("pip-*.whl"))
    required("Debian's wheel of pip (python3-venv)", bool(pip))
    (folder / pip[-1].name).write_bytes(pip[-1].read_bytes())
    node.give(*folder.iterdir())
    return folder


def build(node: PracticeNode, base: Path, wheels: Path, requirements: bytes) -> Ended:
    """Build code, and let pip read these requirements."""
    source, asked = node.file("code.tar"), node.file("requirements.txt", requirements)
    with tarfile.open(source, "w") as archive:
        info = tarfile.TarInfo("requirements.txt")
        info.size = len(requirements)
        archive.addfile(info, io.BytesIO(requirements))
    packages = Packages(
        wheelhouse=PurePosixPath(wheels),
        requirements=PurePosixPath(asked),
        requirements_sha256=sha256(asked),
    )
    return node.build(BuildKind.CODE, source, base=base, packages=packages)


@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN)
def test_pip_obeys_what_it_reads_and_is_never_given_the_teams_file(
    node: PracticeNode, python: Path, wheels: Path, content: bytes
) -> None:
    obeyed = build(node, python, wheels, content)

    with pytest.raises(BadArchiveError) as refused:
        read_requirements(content)

    # pip reads a file of the container as requirements, and says which line is none.
    said = (obeyed.directory / "stderr.log").read_text()
    assert "Name:" in said, said
    assert refused.value.reason == "requirements"


def test_what_pip_is_given_is_only_what_was_understood(
    node: PracticeNode, python: Path, wheels: Path
) -> None:
    content = f"# -r {FILE}\npip # -r {FILE}\npip; os_name == 'never'\n".encode()

    built = build(node, python, wheels, canonical(read_requirements(content)).encode("ascii"))

    assert built.record.done, (built.directory / "stderr.log").read_text()
    assert (built.directory / "environment.lock").read_text().startswith("pip==")


def test_requirements_that_were_exchanged_are_not_installed(
    node: PracticeNode, python: Path, wheels: Path
) -> None:
    asked, source = node.file("asked.txt", b"pip\n"), node.file("code.tar")
    with tarfile.open(source, "w") as archive:
        archive.addfile(tarfile.TarInfo("predict"))
    packages = Packages(
        wheelhouse=PurePosixPath(wheels),
        requirements=PurePosixPath(asked),
        requirements_sha256=sha256(asked),
    )
    asked.write_bytes(b"-r /etc/passwd\n")

    built = node.build(BuildKind.CODE, source, base=python, packages=packages)

    assert built.record.reason == "image_changed"
