"""The example challenge, built."""

import os
import shutil
from pathlib import Path

import pytest

from examples.digits.build import DEFAULT_CACHE, build
from tests.support.required import required


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
