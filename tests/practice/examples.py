"""The example challenge, built once for the tests that need it."""

import os
from pathlib import Path

import pytest

from examples.digits.build import DEFAULT_CACHE, build


def built_digits(folders: pytest.TempPathFactory) -> Path:
    """Return the folder with the challenge, its data and its submissions."""
    built = Path(os.environ.get("SEALRUN_EXAMPLE", folders.mktemp("example") / "digits"))
    if not built.exists():
        build(built, Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE)))
    return built
