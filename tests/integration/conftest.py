"""The pretended site serves all integration tests."""

import pytest
import structlog

from tests.integration.worker.slow_files import slow
from tests.support.worker.world import clock, world

__all__ = ["clock", "slow", "world"]


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log exceptions as Python tells them: in colours and with all variables, each takes half a second."""
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
