"""A site and a challenge that are right, and ways to make one thing about them wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.site_config.good_files import CHALLENGE, SITE

Writer = Callable[..., Path]


def _changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.fixture
def site_with(tmp_path: Path) -> Writer:
    """Write a good site.yaml with one thing replaced."""

    def write(old: str = "", new: str = "") -> Path:
        file = tmp_path / "site.yaml"
        file.write_text(_changed(SITE, old, new))
        return file

    return write


@pytest.fixture
def challenge_with(tmp_path: Path) -> Writer:
    """Write a good challenge with one thing replaced in challenge.yaml; return its directory."""

    def write(old: str = "", new: str = "") -> Path:
        directory = tmp_path / "bundle"
        (directory / "sample" / "images").mkdir(parents=True)
        for name in ("overview.md", "terms.md", "scorer.tar", "base.tar", "sample/images/1.png"):
            (directory / name).write_text("content")
        (directory / "challenge.yaml").write_text(_changed(CHALLENGE, old, new))
        return directory

    return write
