"""Trees that a program leaves for those who copy, measure and delete it."""

import shutil
from pathlib import Path

import pytest

from portal.files.errors import BadOutputError
from portal.files.outputs.copying import copy_outputs
from portal.files.outputs.removal import content_of
from portal.files.trees import remove
from site_config.practice.machine.files import disk_bytes, remove_tree
from tests.support.deep_trees import nest

LIMITS = {"required": (), "max_bytes": 1000, "max_files": 100_000}


@pytest.mark.attack(62)
@pytest.mark.parametrize(
    ("depth", "name", "told"),
    [
        (20, "n" * 250, "The output has a path of more than 1024 bytes."),
        (40, "d", "The output has more than 32 directories inside each other."),
        (5_000, "d", "The output has more than 32 directories inside each other."),
    ],
)
def test_directories_inside_each_other_fail_the_run_and_nothing_else(
    tmp_path: Path, depth: int, name: str, told: str
) -> None:
    output = tmp_path / "output"
    nest(output, depth, name=name, file="f")

    with pytest.raises(BadOutputError) as caught:
        copy_outputs(output, tmp_path / "collected", **LIMITS)

    assert (caught.value.reason, caught.value.message) == ("output_limit", told)
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert remove([output])


@pytest.mark.attack(64)
def test_a_tree_that_ends_a_recursion_is_measured_and_removed(tmp_path: Path) -> None:
    free, output, practice = (tmp_path / name for name in ("free", "output", "practice"))
    for top in (free, output, practice):
        nest(top, 20_000)
    # In memory directories take no blocks.
    (practice / "file").write_bytes(b"something")

    with pytest.raises((RecursionError, OSError)):
        shutil.rmtree(free)

    assert content_of([output]).size == 0
    assert remove([output])
    assert disk_bytes(practice) > 0
    for top in (practice, free):
        remove_tree(top)
    assert list(tmp_path.iterdir()) == []
