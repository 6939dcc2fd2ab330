"""Uploads that attack the job in which they become images."""

import gzip
import tarfile

import pytest

from containers.interface import BuildKind
from tests.attacks.cluster.scenes.images import build, entry, layer_of
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import PracticeNode

pytestmark = [pytest.mark.cluster, pytest.mark.root]

MEBIBYTE = 1024 * 1024


@pytest.mark.attack(57)
@pytest.mark.parametrize(
    "members",
    [
        pytest.param([(entry("../../../../../../../planted"), b"x")], id="upwards"),
        pytest.param([(entry("/planted-absolute"), b"x")], id="absolute"),
        pytest.param(
            [(entry("way", tarfile.SYMTYPE, "/var/tmp"), b""), (entry("way/planted"), b"x")],
            id="through-a-link",
        ),
        pytest.param([(entry("dev/planted", tarfile.CHRTYPE), b"")], id="device"),
    ],
)
def test_a_layer_that_reaches_out_plants_nothing_on_the_node(
    node: PracticeNode, inside: Inside, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    built = build(node, layer_of(*members))

    found = inside.run("sh", "-c", "ls -d /planted* /var/tmp/planted* 2>/dev/null", user="root")
    assert found.stdout == ""
    assert node.named("planted") == []
    assert built.record.reason in {None, "build_failed"}


@pytest.mark.attack(39)
def test_a_layer_that_unpacks_to_too_much_ends_the_build(node: PracticeNode) -> None:
    zeros = layer_of((entry("zeros"), bytes(256 * MEBIBYTE)))
    bomb = gzip.compress(zeros)
    assert len(bomb) < 4 * MEBIBYTE

    built = build(node, bomb, unpacked_limit=64 * MEBIBYTE)

    assert (built.record.reason, built.record.done) in {
        ("image_too_large", False),
        ("build_failed", False),
    }
    assert not (built.directory / "image.sif").exists()


@pytest.mark.attack(57)
def test_a_layer_of_files_without_number_ends_the_build(node: PracticeNode) -> None:
    many = layer_of(*((entry(f"many/{number}"), b"") for number in range(60_000)))
    few = layer_of(*((entry(f"few/{number}"), b"") for number in range(10)))

    free = build(node, few, unpacked_files=5000)
    built = build(node, gzip.compress(many), unpacked_files=5000)

    assert free.record.done
    assert (built.record.reason, built.record.done) == ("image_too_large", False)
    assert not (built.directory / "image.sif").exists()


@pytest.mark.attack(40)
def test_what_a_definition_file_would_do_on_the_node(node: PracticeNode, inside: Inside) -> None:
    """Why none is taken: its ``%setup`` runs outside any container, as the account."""
    mark = inside.site.paths.storage / "set-up"
    definition = node.file(
        "evil.def",
        f"Bootstrap: localimage\nFrom: {node.folder}/p.sif\n%setup\n touch {mark}\n".encode(),
    )
    (node.folder / "p.sif").write_bytes(node.probe_image.read_bytes())
    folder = str(node.folder)
    inside.run("sh", "-c", 'cd "$1" && cp evil.def p.sif /var/tmp/', "sh", folder, user="root")
    inside.run("sed", "-i", "s|From: .*|From: /var/tmp/p.sif|", "/var/tmp/evil.def", user="root")
    inside.run("chmod", "a+r", "/var/tmp/evil.def", "/var/tmp/p.sif", user="root")

    free = inside.run("apptainer", "build", "/var/tmp/evil.sif", "/var/tmp/evil.def")
    worked = mark.exists()
    mark.unlink(missing_ok=True)
    inside.run("sh", "-c", "rm -f /var/tmp/evil.* /var/tmp/p.sif", user="root")
    refused = node.build(BuildKind.ARCHIVE, definition)

    assert worked, free.stderr
    assert refused.record.reason == "build_failed"
    assert not mark.exists()
