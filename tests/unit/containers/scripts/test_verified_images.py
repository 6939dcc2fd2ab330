"""What a node remembers of the images that it verified: known as long as the file is the same, forged by nobody."""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from containers.interface import Build, BuildKind, SealedRun
from containers.rundir import read_run
from containers.scripts import build_script, run_script
from tests.unit.containers.archives import tar
from tests.unit.containers.fake_node import FakeNode

COMPUTED = {"probe": "computed", "image": "computed"}
KNOWN = {"probe": "known", "image": "known"}


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    node = FakeNode(tmp_path)
    node.verified.mkdir(mode=0o755)
    return node


def at_rest(script: str) -> str:
    """Let a file count that has just been written: nothing can give it an older time of change."""
    assert "verified_rest=3\n" in script
    return script.replace("verified_rest=3\n", "verified_rest=0\n")


def verified(
    node: FakeNode, job: SealedRun | Build | None = None, *, code: int = 0
) -> dict[str, str]:
    """Run a job in a fresh run directory; give how its images were verified."""
    shutil.rmtree(node.directory)
    node.directory.mkdir()
    job = job or node.run
    write = build_script if isinstance(job, Build) else run_script
    script = write(job, token=node.token, directory=PurePosixPath(node.directory))  # type: ignore[operator]
    assert node.execute(at_rest(script)) == code
    return read_run(node.directory, node.token).images_verified


def marks(node: FakeNode) -> Path:
    return node.verified / f"sealrun-verified-{os.geteuid()}"


def test_an_image_is_verified_once_on_a_node(node: FakeNode) -> None:
    assert verified(node) == COMPUTED
    assert verified(node) == KNOWN
    assert stat.S_IMODE(marks(node).stat().st_mode) == 0o700
    assert {mark.name for mark in marks(node).iterdir()} == {
        node.run.image_sha256,
        node.run.probe_sha256,
    }


def test_what_is_known_stands_beside_the_digest(node: FakeNode) -> None:
    verified(node)
    verified(node)

    assert (node.directory / "image.check").read_text() == (
        f"probe {node.run.probe_sha256} {node.run.probe_sha256} known\n"
        f"image {node.run.image_sha256} {node.run.image_sha256} known\n"
    )


def test_the_base_of_a_build_is_verified_once(node: FakeNode) -> None:
    code = tar(node.storage / "code.tar", "predict")

    assert verified(node, node.build_from_code(code)) == {"base": "computed"}
    assert verified(node, node.build_from_code(code)) == {"base": "known"}


def test_what_a_build_is_made_of_is_always_read(node: FakeNode) -> None:
    archive = tar(node.storage / "a.tar", "manifest.json")

    assert verified(node, node.build(BuildKind.ARCHIVE, archive)) == {}
    assert not marks(node).exists()


def later(image: Path) -> None:
    os.utime(image, ns=(0, image.stat().st_mtime_ns + 1))


def copied(image: Path) -> None:
    shutil.copy2(image, image.with_suffix(".copy"))
    image.with_suffix(".copy").replace(image)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(later, id="mtime"),
        pytest.param(lambda image: image.chmod(0o600), id="ctime"),
        pytest.param(copied, id="inode"),
    ],
)
def test_a_file_that_is_not_the_same_is_read_again(
    node: FakeNode, change: Callable[[Path], None]
) -> None:
    verified(node)

    change(node.image)

    assert verified(node) == {"probe": "known", "image": "computed"}
    assert verified(node) == KNOWN


def test_another_content_of_the_same_size_and_time_is_found(node: FakeNode) -> None:
    run = node.run
    before = node.image.stat()
    verified(node, run)

    node.image.write_bytes(b"other")
    os.utime(node.image, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert node.image.stat().st_mtime_ns == before.st_mtime_ns
    assert node.image.stat().st_size == before.st_size
    assert verified(node, run, code=76) == {"probe": "known", "image": "computed"}
    assert read_run(node.directory, node.token).reason == "image_changed"
    assert node.calls("/app/predict") == node.calls("/app/predict")[:1]


def test_a_longer_file_is_found(node: FakeNode) -> None:
    run = node.run
    verified(node, run)

    with node.image.open("ab") as image:
        image.write(b"!")

    assert verified(node, run, code=76)["image"] == "computed"


def test_a_known_image_is_none_of_another_digest(node: FakeNode) -> None:
    verified(node)

    assert verified(node, replace(node.run, image_sha256="b" * 64), code=76)["image"] == "computed"


def test_an_image_that_does_not_match_is_not_remembered(node: FakeNode) -> None:
    verified(node, replace(node.run, image_sha256="b" * 64), code=76)

    assert [mark.name for mark in marks(node).iterdir()] == [node.run.probe_sha256]


def test_a_file_that_was_changed_just_now_is_not_remembered(node: FakeNode) -> None:
    script = run_script(node.run, token=node.token, directory=PurePosixPath(node.directory))
    for image in (node.image, node.probe_image):
        image.write_bytes(image.read_bytes())

    assert node.execute(script) == 0
    assert list(marks(node).iterdir()) == []


def through_a_link(node: FakeNode) -> None:
    marks(node).rename(node.storage / "elsewhere")
    marks(node).symlink_to(node.storage / "elsewhere")


def through_a_link_above(node: FakeNode) -> None:
    node.verified.rename(node.storage / "elsewhere")
    node.verified.symlink_to(node.storage / "elsewhere")


def links(node: FakeNode) -> None:
    for mark in marks(node).iterdir():
        mark.rename(node.storage / mark.name)
        mark.symlink_to(node.storage / mark.name)


def garbage(node: FakeNode) -> None:
    for mark in marks(node).iterdir():
        mark.write_bytes(b"\0" + os.urandom(100_000))


def directories(node: FakeNode) -> None:
    for mark in marks(node).iterdir():
        mark.unlink()
        mark.mkdir()


def pipes(node: FakeNode) -> None:
    for mark in marks(node).iterdir():
        mark.unlink()
        os.mkfifo(mark)


def word(number: int) -> Callable[[FakeNode], None]:
    def change(node: FakeNode) -> None:
        for mark in marks(node).iterdir():
            words = mark.read_text().split(" ")
            words[number] = "1" + words[number]
            mark.write_text(" ".join(words))

    return change


def old(node: FakeNode) -> None:
    for mark in marks(node).iterdir():
        eight_days_ago = mark.stat().st_mtime - 8 * 24 * 3600
        os.utime(mark, (eight_days_ago, eight_days_ago))


def too_many(node: FakeNode) -> None:
    for number in range(1001):
        (marks(node) / str(number)).touch()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(through_a_link, id="a link in the place of the directory"),
        pytest.param(through_a_link_above, id="a link above it"),
        pytest.param(lambda node: marks(node).chmod(0o770), id="open to a group"),
        pytest.param(lambda node: marks(node).chmod(0o701), id="open to all"),
        pytest.param(lambda node: node.verified.chmod(0o777), id="all can replace it"),
        pytest.param(lambda node: node.verified.chmod(0o775), id="a group can replace it"),
        pytest.param(links, id="marks that are links"),
        pytest.param(garbage, id="garbage"),
        pytest.param(directories, id="directories"),
        pytest.param(pipes, id="pipes"),
        pytest.param(word(0), id="of another node"),
        pytest.param(word(1), id="before the node was started again"),
        pytest.param(word(2), id="another device"),
        pytest.param(old, id="older than a week"),
        pytest.param(too_many, id="more than are kept"),
    ],
)
def test_a_mark_that_may_be_anothers_or_old_is_not_believed(
    node: FakeNode, spoil: Callable[[FakeNode], None]
) -> None:
    verified(node)
    assert verified(node) == KNOWN

    spoil(node)

    assert verified(node) == COMPUTED


@pytest.mark.parametrize("spoil", [garbage, old, too_many, word(1)])
def test_such_a_mark_is_replaced(node: FakeNode, spoil: Callable[[FakeNode], None]) -> None:
    verified(node)
    spoil(node)
    verified(node)

    assert verified(node) == KNOWN
    assert len(list(marks(node).iterdir())) == 2


@pytest.mark.root
def test_a_directory_of_another_account_is_not_used(node: FakeNode) -> None:
    verified(node)
    os.chown(marks(node), 12345, 12345)

    assert verified(node) == COMPUTED


@pytest.mark.root
def test_a_directory_in_one_of_another_account_is_not_used(node: FakeNode) -> None:
    verified(node)
    os.chown(node.verified, 12345, 12345)

    assert verified(node) == COMPUTED


def test_where_all_can_write_but_not_replace_it_is_kept(node: FakeNode) -> None:
    node.verified.chmod(0o1777)
    verified(node)

    assert verified(node) == KNOWN


def test_without_such_a_place_an_image_is_read_each_time(node: FakeNode) -> None:
    node.verified.rmdir()

    assert verified(node) == COMPUTED
    assert verified(node) == COMPUTED
    assert not node.verified.exists()


def test_the_first_place_that_is_fit_is_used(node: FakeNode) -> None:
    places = (node.verified / "missing", node.verified)
    there = replace(node.node, verified=tuple(map(PurePosixPath, places)))
    run = replace(node.run, node=there)
    verified(node, run)

    assert verified(node, run) == KNOWN
