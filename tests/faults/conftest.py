"""One site for all faults, with the images of the programs built, and the rows that they leave."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from examples.digits.build import DEFAULT_CACHE, build
from tests.faults.findings import Row
from tests.faults.stage import QUICK, RESULTS, SLOW, Stage, open_stage
from tests.faults.table import read_rows, record_path
from tests.support.required import required

BUILT = timedelta(minutes=3)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return the running site, its worker at work, and nothing left to build."""
    required("root, which makes practice sites", os.geteuid() == 0)
    folder = tmp_path_factory.mktemp("stage")
    digits = Path(os.environ.get("SEALRUN_EXAMPLE", folder / "digits"))
    if not digits.exists():
        build(digits, Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE)))
    with open_stage(digits, folder) as stage:
        stage.start_worker()
        person = stage.new_person()
        for name in (SLOW, QUICK, RESULTS):
            stage.submit(name, person)
        stage.spine.wait(BUILT, stage.spine.is_settled)
        yield stage


@pytest.fixture(scope="session")
def rows() -> Iterator[list[Row]]:
    """Return the list that the tests add their rows to; each replaces what an earlier run left of its scene."""
    made: list[Row] = []
    yield made
    earlier = read_rows() if record_path().exists() else []
    kept = {(row.fault, row.moment): asdict(row) for row in [*earlier, *made]}
    text = json.dumps(list(kept.values()), indent=1)
    record_path().write_text(text + "\n", encoding="utf-8")
