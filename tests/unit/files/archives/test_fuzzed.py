"""What ``make fuzz`` does for long, for a moment: its seeds, and seeds with bytes changed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

CASES = [(name, seed) for name, seeds in SEEDS.items() for seed in seeds]


def test_every_target_has_seeds() -> None:
    assert SEEDS.keys() == TARGETS.keys()


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_a_reader_ends_with_nothing_but_its_own_errors(
    tmp_path: Path, name: str, seed: bytes
) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(seed)

    TARGETS[name](upload)


@settings(
    max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_bytes_do_no_harm(tmp_path: Path, data: st.DataObject) -> None:
    name, seed = data.draw(st.sampled_from(CASES))
    content = bytearray(seed)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, 2**15), st.integers(0, 255)), max_size=8)
    ):
        content[place % max(1, len(content)) : place % max(1, len(content)) + 1] = bytes([value])
    upload = tmp_path / "upload"
    upload.write_bytes(content[: data.draw(st.integers(0, len(content)))] or content)

    TARGETS[name](upload)
