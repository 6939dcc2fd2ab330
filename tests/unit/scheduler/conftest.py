"""What the unit tests of the scheduler package share."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath

import pytest

from scheduler.interface import JobSpec
from scheduler.transport import Finished


@pytest.fixture
def spec() -> JobSpec:
    return JobSpec(
        script="#!/bin/sh\nexit 0\n",
        workdir=PurePosixPath("/shared/attempt"),
        stdout=PurePosixPath("/shared/attempt/stdout"),
        stderr=PurePosixPath("/shared/attempt/stderr"),
        partition="gpu",
        cpus=8,
        memory_mib=32768,
        time_limit=timedelta(hours=1),
        account="challenges",
        qos="challenge",
        gres="gpu:1",
        comment="sealrun predict",
    )


class ScriptedTransport:
    """Answers each program with what it was given, and remembers what it was asked."""

    def __init__(self, **answers: Finished | Exception) -> None:
        self.answers = answers
        self.calls: list[list[str]] = []
        self.inputs: list[bytes] = []
        self.version = Finished(returncode=0, stdout=b"slurm 24.11.3\n", stderr=b"")
        """What every program answers when it is asked for its version, which is not remembered."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: timedelta) -> Finished:
        if argv[-1] == "--version":
            return self.version
        self.calls.append(list(argv))
        self.inputs.append(stdin)
        answer = self.answers[self.programs[-1]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def programs(self) -> list[str]:
        return [argv[2] if argv[0] == "env" else argv[0] for argv in self.calls]


@pytest.fixture
def scripted() -> type[ScriptedTransport]:
    return ScriptedTransport
