from datetime import timedelta

import pytest

from scheduler.commands.controller import Controller, read_controller
from scheduler.errors import UnexpectedAnswerError
from tests.support.recordings.answers import recorded


@pytest.mark.parametrize(
    ("release", "version", "export"),
    [
        ("slurm-22.05", "22.05.8", "NONE"),
        ("slurm-24.11", "24.11.5", "NIL"),
        ("slurm-26.05", "26.05.5", "NIL"),
    ],
)
def test_recorded_configurations_are_read(release: str, version: str, export: str) -> None:
    controller = read_controller(recorded("config", release).stdout)

    assert controller == Controller(version=version, message_timeout=timedelta(seconds=10))
    assert controller.export == export


def test_a_slow_site_says_so() -> None:
    controller = read_controller(b"MessageTimeout  = 100 sec\nSLURM_VERSION   = 25.05.1\n")

    assert controller.message_timeout == timedelta(seconds=100)


@pytest.mark.parametrize("stdout", [b"", b"SLURM_VERSION = \n", b"SLURM_VERSION = new\n", b"\xff"])
def test_without_a_release_nothing_is_known(stdout: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read_controller(stdout)
