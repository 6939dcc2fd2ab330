"""Uploads that attack the job in which they become images."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from containers.interface import Build, BuildKind
from containers.scripts import build_script
from tests.attacks.cluster.conftest import BUSYBOX
from tests.cluster.node import Ended, PracticeNode, new_token, sha256
from tests.practice.conftest import Inside

pytestmark = [pytest.mark.cluster, pytest.mark.root]

MEBIBYTE = 1024 * 1024


def image_archive(path: Path, layer: bytes) -> None:
    """Write what ``docker save`` would, around a layer that it would never write."""
    plain = gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"],
            },
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": ["1/layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        for name, content in (
            ("config.json", config),
            ("1/layer.tar", layer),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))


def layer_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a layer with busybox, and what is given."""
    buffer = io.BytesIO()
    busybox = tarfile.TarInfo("bin/busybox")
    busybox.mode = 0o755
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for header, content in ((busybox, BUSYBOX.read_bytes()), *members):
            if header.isreg():
                header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname, header.mode = kind, target, 0o755
    header.devmajor, header.devminor = 1, 5
    return header


def build(node: PracticeNode, layer: bytes, **limits: int) -> Ended:
    archive = node.folder / f"hostile {new_token()}.tar"
    image_archive(archive, layer)
    node.give(archive)
    token, directory = new_token(), node.new_directory("build")
    order = Build(
        kind=BuildKind.ARCHIVE, source=PurePosixPath(archive), source_sha256=sha256(archive)
    )
    script = build_script(replace(order, **limits), token=token, directory=PurePosixPath(directory))
    return node.execute(script, token, directory, partition="build")


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
