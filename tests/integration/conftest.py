"""What all integration tests share: the pretended site, the scene of teams, and a site with browsers."""

import pytest
import structlog

from portal.db.engine import Database
from tests.integration.worker.slow_files import slow
from tests.support.scenes.participants import Scene
from tests.support.web.organised import organised
from tests.support.web.site import new_site, site
from tests.support.worker.world import clock, world

__all__ = ["clock", "new_site", "organised", "site", "slow", "world"]


@pytest.fixture
def scene(database: Database) -> Scene:
    """Return the scene in which people make teams, on both databases."""
    return Scene(database)


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log exceptions as Python tells them: in colours and with all variables, each takes half a second."""
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
