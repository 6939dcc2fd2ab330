"""The pretended site serves all integration tests."""

from tests.integration.worker.world import clock, world

__all__ = ["clock", "world"]
