"""What the tests of the example challenge share: the real data, and all files on a tiny root layer."""

import subprocess
import sys
from pathlib import Path

import pytest

from examples.digits.build import build, root_layer_path
from examples.digits.dataset import Split, load_lines, split
from examples.digits.docker_archive import File, write_layer

IMAGES = Path(__file__).parents[2] / "examples" / "digits" / "images"


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def lines(cache) -> list[str]:
    return load_lines(cache)


@pytest.fixture(scope="session")
def parts(lines) -> Split:
    return split(lines)


@pytest.fixture(scope="session")
def built(lines, cache, tmp_path_factory) -> Path:
    """Build everything on a root layer of one file, so that no package is fetched."""
    write_layer(root_layer_path(cache), {"etc/os-release": File(content=b"ID=tiny\n")})
    target = tmp_path_factory.mktemp("built")
    build(target, cache)
    return target


class Scoring:
    """A directory that looks to the scorer like its container's root."""

    def __init__(self, root: Path) -> None:
        self.predictions = root / "input/res/predictions.csv"
        self.truth = root / "input/ref/truth.csv"
        self.output = root / "output"
        self._root = root
        for folder in (self.predictions.parent, self.truth.parent, self.output):
            folder.mkdir(parents=True)

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, IMAGES / "scorer/app/score", self._root],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def scoring(tmp_path) -> Scoring:
    return Scoring(tmp_path / "scorer-root")
