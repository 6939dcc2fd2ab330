"""The pretended site serves all integration tests."""

from tests.integration.worker.slow_files import slow
from tests.support.worker.world import clock, world

__all__ = ["clock", "slow", "world"]
