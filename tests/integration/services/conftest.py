"""The scene in which people make teams, on both databases."""

import pytest

from portal.db.engine import Database
from tests.support.scenes.participants import Scene


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)
