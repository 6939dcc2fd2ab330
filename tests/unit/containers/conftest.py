from pathlib import Path

import pytest

from tests.unit.containers.fake_node import FakeNode


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path)
