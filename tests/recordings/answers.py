"""Recorded answers of real Slurm commands."""

import json
from pathlib import Path

from scheduler.transport import Finished

RELEASE = "slurm-24.11"
"""The release of the practice site, for tests that need only one."""

RELEASES = ("slurm-22.05", "slurm-24.11", "slurm-26.05")


def recorded(name: str, release: str = RELEASE) -> Finished:
    """Return the answer recorded as ``name``."""
    content = json.loads((Path(__file__).parent / release / f"{name}.json").read_text())
    return Finished(
        returncode=content["returncode"],
        stdout=content["stdout"].encode(),
        stderr=content["stderr"].encode(),
    )
