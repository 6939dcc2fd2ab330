"""Recorded answers of real Slurm commands and of slurmrestd."""

import json
from pathlib import Path

from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.versions import KNOWN, Dialect
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


def recorded_rest(name: str, release: str = RELEASE) -> Answer:
    """Return slurmrestd's answer recorded as ``name``."""
    content = json.loads((Path(__file__).parent / release / "rest" / f"{name}.json").read_text())
    return Answer(status=content["status"], document=content["document"])


def dialect_of(release: str) -> Dialect:
    """Return the version of the API in which the release was recorded."""
    return KNOWN[
        json.loads((Path(__file__).parent / release / "rest/ping.json").read_text())["version"]
    ]
