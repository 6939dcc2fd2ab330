from datetime import timedelta

import pytest

from scheduler.controller import Controller, read_controller
from scheduler.errors import UnexpectedAnswer
from tests.recordings.answers import recorded


def test_the_recorded_configuration_is_read() -> None:
    assert read_controller(recorded("config").stdout) == Controller(
        version="24.11.5", message_timeout=timedelta(seconds=10)
    )


def test_a_slow_site_says_so() -> None:
    controller = read_controller(b"MessageTimeout  = 100 sec\nSLURM_VERSION   = 25.05.1\n")

    assert controller.message_timeout == timedelta(seconds=100)


@pytest.mark.parametrize("stdout", [b"", b"SLURM_VERSION = \n", b"SLURM_VERSION = new\n", b"\xff"])
def test_without_a_release_nothing_is_known(stdout: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        read_controller(stdout)
