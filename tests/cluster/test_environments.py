"""Environments from ``requirements.txt``, by real pip in a real image on a node, from wheels alone."""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from containers.interface import BuildKind, Packages
from containers.rundir import read_lock
from portal.domain.submissions.run_logs import error_of_pip
from portal.files.archives.requirements import canonical, read_requirements
from tests.support.cluster.node import Ended, PracticeNode, sha256
from tests.support.cluster.python_image import PIP, write_python_archive
from tests.support.required import required

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BUSYBOX = Path("/bin/busybox")


def wheel(folder: Path, name: str, version: str, *, requires: str = "") -> str:
    """Write a wheel of one module that says its version; return the file's digest."""
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}.py": f"VERSION = {version!r}\ndef main():\n    print('command of', VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_urlsafe(text)},{len(text)}\n" for path, text in files.items()
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def _urlsafe(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def node(practice_site: dict[str, Any]) -> Iterator[PracticeNode]:
    required("Debian's busybox-static", BUSYBOX.exists())
    node = PracticeNode(practice_site)
    node.build_probe(BUSYBOX)
    yield node
    node.close()


@pytest.fixture(scope="module")
def base(node: PracticeNode) -> Path:
    """An image with Python and without pip, as most are."""
    archive = node.file("python.tar")
    write_python_archive(BUSYBOX, archive)
    built = node.build(BuildKind.ARCHIVE, archive)
    assert built.record.done, built.record
    return built.directory / "image.sif"


@pytest.fixture(scope="module")
def wheels(node: PracticeNode) -> dict[str, str]:
    """The site's collection: two releases of one package, another one that needs it, and pip itself."""
    folder = node.new_directory("wheels")
    digests = {
        "cells-1.0": wheel(folder, "cells", "1.0"),
        "cells-2.0": wheel(folder, "cells", "2.0"),
        "counting": wheel(folder, "counting", "0.3", requires="cells>=1"),
    }
    pip = sorted(PIP.glob("pip-*.whl"))
    required("Debian's wheel of pip (python3-venv)", bool(pip))
    (folder / pip[-1].name).write_bytes(pip[-1].read_bytes())
    node.give(*folder.iterdir())
    return {**digests, "folder": str(folder)}


def build_code(node: PracticeNode, base: Path, wheels: dict[str, str], requirements: str) -> Ended:
    content = {
        "requirements.txt": requirements,
        "predict": "#!/bin/sh\npython3 -c 'import cells, counting; print(cells.VERSION, cells.__file__)'\n",
    }
    source = node.file("code.tar")
    with tarfile.open(source, "w") as archive:
        for name, text in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    asked = node.file(
        "requirements.txt", canonical(read_requirements(requirements.encode())).encode()
    )
    packages = Packages(
        wheelhouse=PurePosixPath(wheels["folder"]),
        requirements=PurePosixPath(asked),
        requirements_sha256=sha256(asked),
    )
    return node.build(BuildKind.CODE, source, base=base, packages=packages)


def test_packages_and_what_they_need_are_installed_and_found(
    node: PracticeNode, base: Path, wheels: dict[str, str]
) -> None:
    built = build_code(node, base, wheels, "counting\ncells<2  # the newer one counts twice\n")
    directory = node.new_directory("run")

    ran = node.run(
        node.sealed(built.directory / "image.sif", ("/submission/predict",), directory), directory
    )

    assert ran.stdout == "1.0 /packages/cells.py\n", (directory / "stderr.log").read_text()
    assert read_lock(built.directory) == (
        f"cells==1.0 --hash=sha256:{wheels['cells-1.0']}\n"
        f"counting==0.3 --hash=sha256:{wheels['counting']}\n"
    )


def test_what_the_site_does_not_have_is_said_in_pips_words(
    node: PracticeNode, base: Path, wheels: dict[str, str]
) -> None:
    built = build_code(node, base, wheels, "cells==3.0\n")

    said = error_of_pip((built.directory / "stderr.log").read_text())
    assert (built.record.reason, built.report.exit_code) == ("environment", 78)
    assert said == (
        "Could not find a version that satisfies the requirement cells==3.0 (from versions: 1.0, 2.0)"
    )
    assert not (built.directory / "image.sif").exists()


def test_an_environment_that_is_a_source_is_not_built(
    node: PracticeNode, base: Path, wheels: dict[str, str]
) -> None:
    """A source distribution would run its own code while it is installed."""
    folder = node.new_directory("sources")
    content = b"open('/packages/ran', 'w')\n"
    with tarfile.open(folder / "evil-1.0.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("evil-1.0/setup.py")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    pip = next(Path(wheels["folder"]).glob("pip-*.whl"))
    (folder / pip.name).write_bytes(pip.read_bytes())
    node.give(*folder.iterdir())

    built = build_code(node, base, {"folder": str(folder)}, "evil\n")

    said = error_of_pip((built.directory / "stderr.log").read_text())
    assert built.record.reason == "environment"
    assert said.startswith("Could not find a version that satisfies the requirement evil")


def test_without_a_collection_it_is_the_node_that_is_unfit(
    node: PracticeNode, base: Path, wheels: dict[str, str]
) -> None:
    missing = {"folder": str(Path(wheels["folder"], "missing"))}

    built = build_code(node, base, missing, "cells\n")

    assert built.record.reason == "node_unfit"
