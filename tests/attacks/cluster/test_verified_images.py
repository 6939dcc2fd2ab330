"""Whoever would have an exchanged image taken for one that a node has verified."""

import os
import tarfile
import textwrap
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from site_config.practice.site import PracticeSite
from tests.attacks.cluster.scenes.images import build, entry, layer_of
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import Ended, PracticeNode
from tests.support.cluster.python_image import PYTHON

pytestmark = [pytest.mark.cluster, pytest.mark.root, pytest.mark.attack(75)]

KEPT = "/run/sealrun"
OPEN = "/srv/open"
"""A place of the node in which every account can make directories, as in /tmp where jobs share it."""

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


def run(
    node: PracticeNode, image: Path, code: str = "", *, places: str = KEPT, digest: str = ""
) -> Ended:
    directory = node.new_directory("run")
    sealed = node.sealed(image, (PYTHON, "-c", textwrap.dedent(code)), directory)
    there = replace(sealed.node, verified=(PurePosixPath(places),))
    return node.run(
        replace(sealed, node=there, image_sha256=digest or sealed.image_sha256), directory
    )


@pytest.fixture
def uid(practice: PracticeSite) -> int:
    uid = practice.status().account_uid
    assert uid is not None
    return uid


@pytest.fixture
def known(node: PracticeNode, python: Path, tmp_path: Path) -> Path:
    """Return a copy of an image that the node knows."""
    image = node.file("known.sif", python.read_bytes())
    run(node, image)
    # The first time it may have been too new.
    for _ in range(5):
        if run(node, image).record.images_verified["image"] == "known":
            return image
    raise AssertionError("the node does not remember the image")


LOOKS = """
    import os
    found = []
    for place, folders, files in os.walk("/"):
        if not place.startswith(("/proc", "/sys")):
            found += [os.path.join(place, one) for one in folders + files if "sealrun-verified" in one]
    for place in ("/run/sealrun", "/var/tmp", "/tmp", "/dev/shm"):
        try:
            os.makedirs(f"{place}/sealrun-verified-%d" % os.getuid(), exist_ok=True)
            open(f"{place}/sealrun-verified-%d/planted" % os.getuid(), "w").close()
        except OSError:
            pass
    print(found)
"""


def test_a_program_finds_nothing_of_it_and_plants_nothing(
    node: PracticeNode, known: Path, inside: Inside, uid: int
) -> None:
    place = f"{KEPT}/sealrun-verified-{uid}"
    free = inside.job(
        f"ls {place} | wc -l; touch {place}/planted-by-a-job", "--partition=gpu", "--mem=50M"
    )
    before = inside.run("ls", place, user="root").stdout.split()

    ended = run(node, known, LOOKS)

    # What runs outside of a container gets at it.
    assert int(free.output) >= 2
    assert "planted-by-a-job" in before
    assert (ended.stdout, ended.record.images_verified["image"]) == ("[]\n", "known")
    assert inside.run("ls", place, user="root").stdout.split() == before
    planted = inside.run(
        "sh", "-c", "ls /var/tmp /tmp /dev/shm | grep -c sealrun-verified", user="root"
    )
    assert planted.stdout == "0\n"


def test_a_build_plants_nothing(node: PracticeNode, known: Path, inside: Inside, uid: int) -> None:
    place = f"{KEPT}/sealrun-verified-{uid}"
    build(
        node,
        layer_of(
            (entry(f"../../../../../../../..{place}/planted"), b"x"),
            (entry(f"{place}/planted"), b"x"),
            (entry("way", tarfile.SYMTYPE, place), b""),
            (entry("way/planted"), b"x"),
        ),
    )

    assert "planted\n" not in inside.run("ls", place, user="root").stdout


def test_an_image_that_is_exchanged_after_it_was_verified_is_never_started(
    node: PracticeNode, known: Path
) -> None:
    digest = node.sealed(known, (PYTHON,), node.folder).image_sha256
    before = known.stat()
    with known.open("r+b") as image:
        image.seek(-1, os.SEEK_END)
        last = image.read()
        image.seek(-1, os.SEEK_END)
        image.write(bytes([last[0] ^ 1]))
    os.utime(known, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = known.stat()

    ended = run(node, known, digest=digest)

    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )
    assert (ended.record.reason, ended.record.images_verified["image"]) == (
        "image_changed",
        "computed",
    )
    assert not (ended.directory / "stdout.log").exists()


def test_another_account_of_the_node_forges_nothing(
    node: PracticeNode, known: Path, inside: Inside, uid: int
) -> None:
    own, other = f"{KEPT}/sealrun-verified-{uid}", f"{OPEN}/sealrun-verified-{uid}"
    inside.run("mkdir", "-p", "-m", "1777", OPEN, user="root")
    # What the account itself has kept, by the hand of another.
    forge = f"mkdir {other} && cat >{other}/$1 && chmod 755 {other} && echo forged"
    digest = node.sealed(known, (PYTHON,), node.folder).image_sha256
    mark = inside.run("cat", f"{own}/{digest}", user="root").stdout

    refused = inside.run(*NOBODY, "ls", own, user="root")
    forged = inside.run(*NOBODY, "sh", "-c", forge, "sh", digest, user="root", text=mark)
    ended = run(node, known, places=OPEN)
    inside.run("rm", "-r", other, user="root")
    inside.run(*NOBODY, "ln", "-s", own, other, user="root")
    linked = run(node, known, places=OPEN)
    inside.run("rm", other, user="root")
    kept = [run(node, known, places=OPEN).record.images_verified["image"] for _ in range(2)]
    inside.run("rm", "-r", OPEN, user="root")

    assert "Permission denied" in refused.stderr
    assert (forged.stdout, mark.count("\n")) == ("forged\n", 1)
    assert ended.record.images_verified == {"probe": "computed", "image": "computed"}
    assert linked.record.images_verified == {"probe": "computed", "image": "computed"}
    # The same place is as good as any where nobody was first.
    assert kept == ["computed", "known"]
