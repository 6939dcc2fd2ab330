"""The walker of foreign trees, as an ordinary account where modes matter."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.files.outputs.removal import content_of
from portal.files.trees import Bound, Bounds, TreeBoundError, remove, walk
from site_config.practice.machine.files import disk_bytes, own_tree, remove_tree
from tests.support.deep_trees import nest

DEEP = 5_000
"""Five times as deep as Python recurses, and more than a path can hold."""


@pytest.fixture
def ordinary() -> Iterator[None]:
    """Give up root's right to enter everything, where the tests run as root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.fixture
def folder(ordinary: None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def names(top: Path, bounds: Bounds = Bounds()) -> list[str]:  # noqa: B008
    return [str(entry.path) for entry in walk(top, bounds)]


def test_directories_come_before_what_is_in_them(folder: Path) -> None:
    (folder / "b/c").mkdir(parents=True)
    (folder / "b/c/file").touch()
    (folder / "a").symlink_to("b")

    assert names(folder) == ["a", "b", "b/c", "b/c/file"]


@pytest.mark.parametrize(
    ("bounds", "bound"),
    [
        (Bounds(depth=3), Bound.DEPTH),
        (Bounds(path_bytes=7), Bound.PATH),
        (Bounds(entries=4), Bound.ENTRIES),
        (Bounds(depth=4, path_bytes=9, entries=5), None),
    ],
)
def test_a_tree_is_walked_within_bounds(folder: Path, bounds: Bounds, bound: Bound | None) -> None:
    nest(folder, 4, file="f")

    if bound is None:
        assert names(folder, bounds)[-1] == "d/d/d/d/f"
        return
    with pytest.raises(TreeBoundError) as caught:
        names(folder, bounds)
    assert caught.value.bound is bound


def test_many_names_in_one_directory_are_not_even_listed(folder: Path) -> None:
    for number in range(20):
        (folder / str(number)).touch()

    with pytest.raises(TreeBoundError):
        next(walk(folder, Bounds(entries=19)))


@pytest.mark.parametrize("mode", [0o700, 0o300, 0o500, 0o000])
@pytest.mark.parametrize("name", ["d", "n" * 255, b"\xff".decode("utf-8", "surrogateescape")])
def test_whatever_is_deep_closed_or_badly_named_is_measured_and_removed(
    folder: Path, mode: int, name: str
) -> None:
    tree = folder / "tree"
    nest(tree, DEEP if len(name) == 1 else 40, name=name, file="f", mode=mode)

    assert content_of([tree]).size == 0
    assert remove([tree])
    assert list(folder.iterdir()) == []


def test_other_things_than_files_are_removed_and_what_links_lead_to_stays(folder: Path) -> None:
    tree, kept = folder / "tree", folder / "kept"
    kept.mkdir()
    (kept / "file").write_text("mine")
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    (tree / "link").symlink_to(kept)
    (tree / "hard").hardlink_to(kept / "file")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tree / "socket"))

    assert remove([tree])
    assert (kept / "file").read_text() == "mine"


def test_a_call_ends_and_further_calls_go_on(folder: Path) -> None:
    tree = folder / "tree"
    nest(tree, 100)

    calls = 0
    while not remove([tree], max_steps=50):
        calls += 1
        assert calls < 20

    assert calls > 1


# In a process of its own: others of this one open files, too, and leave gaps between the numbers of theirs.
REMOVE_WITH_FEW = """
import os, resource, sys
from pathlib import Path
from portal.files.trees import remove

free = os.open("/", os.O_RDONLY)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free + 8, free + 8))
sys.exit(0 if remove([Path(sys.argv[1])]) else 1)
"""


def test_few_directories_are_open_at_once(folder: Path) -> None:
    tree = folder / "tree"
    nest(tree, DEEP)

    done = subprocess.run([sys.executable, "-c", REMOVE_WITH_FEW, str(tree)], check=False)

    assert done.returncode == 0
    assert not tree.exists()


TREES = st.recursive(
    st.sampled_from([b"file", 0o644]),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=30, deadline=None)
@given(TREES)
def test_any_tree_is_walked_whole_and_removed(tree: object) -> None:
    with tempfile.TemporaryDirectory() as made:
        top, expected = Path(made, "top"), []
        top.mkdir()
        pending = [(top, tree)]
        while pending:
            here, what = pending.pop()
            if isinstance(what, dict):
                here.mkdir(exist_ok=True)
                pending += [(here / name, inner) for name, inner in what.items()]
            elif here != top:
                here.touch()
            if here != top:
                expected.append(str(here.relative_to(top)))

        assert sorted(names(top)) == sorted(expected)
        assert remove([top])


def test_the_practice_site_measures_owns_and_removes_deep_trees(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    nest(tree, DEEP, file="f")

    assert disk_bytes(tree) >= 0
    own_tree(tree, os.geteuid(), os.getegid())
    remove_tree(tree)

    assert not tree.exists()
    assert disk_bytes(tree) == 0
