"""The pyslurm adapter with its real child process, in which a module stands in for pyslurm."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from scheduler.interface import JobSpec, Token
from scheduler.pyslurm.adapter import SlurmPyslurm
from tests.support.cluster.labs import small_job
from tests.support.servers.standin_cluster import StandinCluster


class PyslurmLab:
    """What the adapter must do is real here; what pyslurm and Slurm do is not."""

    def __init__(self, folder: Path, tokens: Callable[[], str]) -> None:
        self._cluster = StandinCluster(folder)
        self.scheduler = SlurmPyslurm(
            self._cluster.child(), self._cluster.child(), timeout=timedelta(seconds=3)
        )
        self._folder = PurePosixPath(folder)
        self._tokens = tokens

    def new_token(self) -> Token:
        return Token(self._tokens())

    def spec(self, script: str, **changes: Any) -> JobSpec:
        return small_job(script, self._folder, **changes)

    def tick(self) -> None:
        self._cluster.advance()

    @contextlib.contextmanager
    def losing_replies(self) -> Iterator[None]:
        self._cluster.misbehave("hang", "after submit")
        yield
        self._cluster.misbehave("")

    def close(self) -> None:
        """End the children."""
        self.scheduler.close()
