"""The build's script, really run, with a stand-in for Apptainer."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pytest

from containers.interface import Build, BuildKind
from containers.rundir import read_run
from containers.scripts import MEMBER_LIMIT, build_script
from portal.files.images.inspection import inspect_image, inspect_layers
from tests.support.required import required
from tests.unit.containers.archives import tar
from tests.unit.containers.fake_node import FakeNode, sha256

WHOLE = {
    "claim",
    "done",
    "exit",
    "image.check",
    "image.sha256",
    "image.sif",
    "stderr.log",
    "stdout.log",
    "versions",
}
REFUSED = {"claim", "image.check", "reason", "stderr.log", "stdout.log", "versions"}


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    required("permission to make user namespaces", done.returncode == 0)


def execute(node: FakeNode, build: Build) -> int:
    return node.execute(
        build_script(build, token=node.token, directory=PurePosixPath(node.directory))
    )


def entry(name: str, *, mode: int = 0o644, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.mode, header.type = mode, kind
    return header


@pytest.mark.parametrize(
    ("members", "source"),
    [
        pytest.param(["a.json", "manifest.json"], "docker-archive", id="docker"),
        pytest.param(["./manifest.json"], "docker-archive", id="docker, with dots"),
        pytest.param(["blobs/x", "oci-layout", "index.json"], "oci-archive", id="oci"),
        pytest.param(["oci-layout", "manifest.json"], "docker-archive", id="both"),
    ],
)
def test_an_archive_becomes_an_image(node: FakeNode, members: list[str], source: str) -> None:
    archive = tar(node.storage / "a'b.tar", *members)

    assert execute(node, node.build(BuildKind.ARCHIVE, archive)) == 0
    record = read_run(node.directory, node.token)
    image = node.directory / "image.sif"
    assert node.names() == WHOLE
    assert (record.done, record.exit_code) == (True, 0)
    assert image.read_text() == f"built from {source}:{archive}\n"
    assert record.image_sha256 == sha256(image)
    assert list(node.scratch.iterdir()) == []


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_what_has_been_looked_at_decides_how_an_archive_is_read(
    node: FakeNode, layout: Literal["docker", "oci"]
) -> None:
    archive = tar(node.storage / "a.tar", "oci-layout", "index.json", "manifest.json")
    build = replace(node.build(BuildKind.ARCHIVE, archive), layout=layout)

    assert execute(node, build) == 0
    image = node.directory / "image.sif"
    assert image.read_text() == f"built from {layout}-archive:{archive}\n"


CHOSEN = '{"manifests": [{"digest": "it\'s \\"one\\" $HOME"}]}'


def files(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with tarfile.open(path, "w", **options) as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return path


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_of_several_images_in_a_layout_one_is_built(
    node: FakeNode, compress: Callable[[bytes], bytes]
) -> None:
    members = {"index.json": b"x" * 1000, "oci-layout": b"{}", "blobs/sha256/ab": b"layer"}
    archive = files(node.storage / "it's.tar", members)
    archive.write_bytes(compress(archive.read_bytes()))
    node.behave("build", 'printf %s "$8" >"$7"; cp -r "${8#oci:}" "$here/seen"')
    build = replace(node.build(BuildKind.ARCHIVE, archive), layout="oci", chosen=CHOSEN)

    assert execute(node, build) == 0
    seen = node.programs / "seen"
    scratch = node.scratch / f"sealrun-{node.token}"
    assert (node.directory / "image.sif").read_text() == f"oci:{scratch}/several"
    assert (seen / "index.json").read_text() == CHOSEN
    assert (seen / "blobs/sha256/ab").read_bytes() == b"layer"
    assert list(node.scratch.iterdir()) == []


def test_of_several_images_of_docker_one_is_built(node: FakeNode) -> None:
    members = {
        "./manifest.json": b"x" * 1000,
        "1.json": b"{}",
        "-a/layer.tar": b"layer",
        ".b": b"config",
    }
    archive = files(node.storage / "it's.tar", members)
    node.behave("build", 'cp "${8#docker-archive:}" "$7"')
    build = replace(node.build(BuildKind.ARCHIVE, archive), layout="docker", chosen=CHOSEN)

    assert execute(node, build) == 0
    with tarfile.open(node.directory / "image.sif") as built:
        found = {
            member.name: content.read()
            for member in built
            if (content := built.extractfile(member))
        }
    assert found == {
        "manifest.json": CHOSEN.encode(),
        "1.json": b"{}",
        "-a/layer.tar": b"layer",
        ".b": b"config",
    }


def test_a_choice_among_images_that_fails_at_first_is_made_again(node: FakeNode) -> None:
    archive = files(node.storage / "a.tar", {"index.json": b"x", "oci-layout": b"{}"})
    node.behave("build", ONCE + 'cat "${8#oci:}/index.json" >"$7"')
    build = replace(node.build(BuildKind.ARCHIVE, archive), layout="oci", chosen=CHOSEN)

    assert execute(node, build) == 0
    assert (node.directory / "image.sif").read_text() == CHOSEN


def test_links_of_an_archive_lead_nowhere_when_one_image_is_chosen(
    node: FakeNode, tmp_path: Path
) -> None:
    link = entry("index.json", kind=tarfile.SYMTYPE)
    link.linkname = str(tmp_path / "outside")
    (tmp_path / "outside").write_text("kept")
    archive = tar(node.storage / "a.tar", link, "oci-layout")
    node.behave("build", 'cat "${8#oci:}/index.json" >"$7"')
    build = replace(node.build(BuildKind.ARCHIVE, archive), layout="oci", chosen=CHOSEN)

    assert execute(node, build) == 0
    assert (node.directory / "image.sif").read_text() == CHOSEN
    assert (tmp_path / "outside").read_text() == "kept"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_archive_is_uncompressed_first(
    node: FakeNode, compress: Callable[[bytes], bytes]
) -> None:
    plain = tar(node.storage / "plain", "manifest.json").read_bytes()
    packed = node.storage / "packed"
    packed.write_bytes(compress(plain))
    node.behave("build", 'cat "${8#docker-archive:}" >"$7"')

    assert execute(node, node.build(BuildKind.ARCHIVE, packed)) == 0
    assert (node.directory / "image.sif").read_bytes() == plain


def test_an_archive_that_only_begins_compressed_is_refused(node: FakeNode) -> None:
    packed = node.storage / "packed"
    packed.write_bytes(b"\x1f\x8b" + bytes(100))

    assert execute(node, node.build(BuildKind.ARCHIVE, packed)) == 78
    assert read_run(node.directory, node.token).reason == "build_failed"


def test_an_archive_that_uncompresses_to_too_much_is_refused(node: FakeNode) -> None:
    packed = node.storage / "packed"
    packed.write_bytes(gzip.compress(bytes(5_000_000)))
    build = replace(node.build(BuildKind.ARCHIVE, packed), unpacked_limit=1_000_000)

    assert execute(node, build) == 78
    assert node.calls("build") == []


def test_a_build_runs_without_network_and_without_the_jobs_environment(node: FakeNode) -> None:
    node.behave("build", 'cat /proc/net/dev; id -u; touch "$7"')

    assert (
        execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))) == 0
    )
    *interfaces, user = (node.directory / "stdout.log").read_text().splitlines()
    assert [line.split(":")[0].strip() for line in interfaces[2:]] == ["lo"]
    assert user == "0"
    assert not {"SECRET", "APPTAINER_BIND"} & set().union(*node.environments())


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([], id="empty"),
        pytest.param(["other.json"], id="neither"),
        pytest.param(["manifest.json", *map(str, range(MEMBER_LIMIT))], id="too many members"),
    ],
)
def test_what_is_no_image_archive_is_refused(node: FakeNode, members: list[str]) -> None:
    archive = tar(node.storage / "a.tar", *members)

    assert execute(node, node.build(BuildKind.ARCHIVE, archive)) == 78
    record = read_run(node.directory, node.token)
    assert (record.reason, record.done, record.image_sha256) == ("build_failed", False, None)
    assert node.calls("build") == []


def test_garbage_is_refused(node: FakeNode) -> None:
    garbage = node.storage / "garbage"
    garbage.write_bytes(os.urandom(4096))

    assert execute(node, node.build(BuildKind.ARCHIVE, garbage)) == 78


@pytest.mark.parametrize(
    "build",
    [
        pytest.param("echo 'FATAL: bad layer' >&2; exit 255", id="it said no"),
        pytest.param('echo part >"$7"; exit 1', id="it left a part"),
        pytest.param("exit 0", id="it made nothing"),
    ],
)
def test_what_fails_twice_where_known_content_is_built_is_the_contents_fault(
    node: FakeNode, build: str
) -> None:
    node.behave("build", build)

    assert (
        execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))) == 78
    )
    assert node.names() == REFUSED
    assert read_run(node.directory, node.token).reason == "build_failed"
    assert list(node.scratch.iterdir()) == []
    assert len(node.calls("build")) == 2


ONCE = "if mkdir -- \"$here/first\" 2>/dev/null; then echo 'FATAL: bad layer' >&2; exit 255; fi; "


def test_what_fails_once_is_built(node: FakeNode) -> None:
    node.behave("build", ONCE + 'echo built >"$7"')

    assert (
        execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))) == 0
    )
    assert node.names() == WHOLE
    assert read_run(node.directory, node.token).reason is None


LACKING = (
    "runtime/cgo: pthread_create failed: Resource temporarily unavailable",
    "FATAL ERROR:Failed to create thread",
    "FATAL: write /tmp/bundle/layer: no space left on device",
    "FATAL ERROR:Probably out of space on output filesystem",
    "write: Disk quota exceeded",
    "fork/exec /usr/bin/mksquashfs: cannot allocate memory",
    "create command failed: signal: killed: ",
    "read /shared/blob: input/output error",
    "open /shared/blob: stale file handle",
)


@pytest.mark.parametrize(
    "build", [*(f"echo '{line}' >&2; exit 255" for line in LACKING), "kill -KILL $$"]
)
def test_what_the_node_lacks_is_nobodys_fault_but_the_sites(node: FakeNode, build: str) -> None:
    node.behave("build", f'echo part >"$7"; {build}')

    assert (
        execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))) == 74
    )
    assert read_run(node.directory, node.token).reason == "node_unfit"
    assert "image.sif" not in node.names()
    assert list(node.scratch.iterdir()) == []


@pytest.mark.parametrize("kind", BuildKind)
def test_a_node_that_fails_known_content_too_is_unfit(node: FakeNode, kind: BuildKind) -> None:
    for part in ("build", "known", "list"):
        node.behave(part, "echo 'FATAL: of the node' >&2; exit 255")
    source = tar(node.storage / "a", "manifest.json")
    build = node.build_from_code(source) if kind is BuildKind.CODE else node.build(kind, source)

    assert execute(node, build) == 74
    assert read_run(node.directory, node.token).reason == "node_unfit"
    assert (node.directory / "stderr.log").read_text() == "FATAL: of the node\n"


def test_the_logs_that_are_left_are_of_the_content(node: FakeNode) -> None:
    node.behave("build", "echo 'FATAL: of the content' >&2; exit 255")
    node.behave("known", 'echo noise >&2; touch "$7"')

    execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json")))

    assert (node.directory / "stderr.log").read_text() == "FATAL: of the content\n"


def test_what_is_known_to_be_well_is_an_image_of_one_file(node: FakeNode) -> None:
    node.behave("build", "exit 1")
    node.behave("known", 'cp -- "${8#docker-archive:}" "$here/known.tar"; touch "$7"')

    execute(node, node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json")))

    found = inspect_image(node.programs / "known.tar")
    assert (found.layout, found.layers) == ("docker", 1)
    inspect_layers(node.programs / "known.tar")


def test_an_image_over_the_limit_is_refused(node: FakeNode) -> None:
    build = node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))

    assert execute(node, replace(build, size_limit=10)) == 78
    assert node.names() == REFUSED
    assert read_run(node.directory, node.token).reason == "image_too_large"


@pytest.mark.parametrize(
    ("limit", "fill"),
    [
        pytest.param({"unpacked_files": 50}, "touch $(seq 100)", id="files"),
        pytest.param(
            {"unpacked_limit": 100 * 1024},
            "for i in $(seq 5); do head -c 90000 /dev/zero >$i; done",
            id="bytes",
        ),
    ],
)
def test_a_build_that_unpacks_too_much_is_ended(
    node: FakeNode, limit: dict[str, int], fill: str
) -> None:
    node.behave("build", f'cd "$APPTAINER_TMPDIR"; {fill}; sleep 60')
    build = node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))

    assert execute(node, replace(build, **limit)) == 78
    assert read_run(node.directory, node.token).reason == "image_too_large"


def test_a_changed_upload_is_not_built(node: FakeNode) -> None:
    archive = tar(node.storage / "a", "manifest.json")
    build = node.build(BuildKind.ARCHIVE, archive)
    archive.write_bytes(archive.read_bytes() + b"\0")

    assert execute(node, build) == 76
    assert read_run(node.directory, node.token).reason == "image_changed"
    assert node.calls("build") == []


def test_a_second_job_writes_nothing(node: FakeNode) -> None:
    build = node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))
    execute(node, build)
    before = {path.name: path.stat() for path in node.directory.iterdir()}

    assert execute(node, build) == 75
    assert {path.name: path.stat() for path in node.directory.iterdir()} == before


def test_code_is_laid_over_the_base(node: FakeNode) -> None:
    node.behave("build", 'cat "$8"; cd "${8%/*}"; ls -l submission; readlink base.sif; touch "$7"')
    source = tar(
        node.storage / "code.tar",
        entry("dir", kind=tarfile.DIRTYPE, mode=0o700),
        entry("dir/.hidden", mode=0o600),
        entry("run me", mode=0o700),
        entry("setuid", mode=0o6755),
    )

    assert execute(node, node.build_from_code(source)) == 0
    scratch = node.scratch / f"sealrun-{node.token}"
    definition, listing = (node.directory / "stdout.log").read_text().split("total ")
    assert definition == (
        f"Bootstrap: localimage\nFrom: {scratch}/base.sif\n\n"
        f"%files\n    {scratch}/submission/. /submission\n"
    )
    lines = [line.split() for line in listing.splitlines()[1:-1]]
    assert [(line[0], line[-1]) for line in lines] == [
        ("drwxr-xr-x", "dir"),
        ("-rwxr-xr-x", "me"),
        ("-rwxr-xr-x", "setuid"),
    ]
    assert listing.splitlines()[-1] == str(node.image)


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(entry("x", kind=tarfile.SYMTYPE), id="symbolic link"),
        pytest.param(entry("x", kind=tarfile.FIFOTYPE), id="fifo"),
    ],
)
def test_code_with_anything_but_files_is_refused(node: FakeNode, member: tarfile.TarInfo) -> None:
    member.linkname = "/etc/passwd"
    source = tar(node.storage / "code.tar", entry("d", kind=tarfile.DIRTYPE, mode=0o755), member)

    assert execute(node, node.build_from_code(source)) == 78
    assert node.calls("build") == []
    assert read_run(node.directory, node.token).reason == "build_failed"


def test_code_over_a_changed_base_is_not_built(node: FakeNode) -> None:
    build = node.build_from_code(tar(node.storage / "code.tar", "x"))
    node.image.write_bytes(b"changed")

    assert execute(node, build) == 76
    assert node.calls("build") == []


def test_a_sif_is_taken_over_as_it_is(node: FakeNode) -> None:
    source = node.storage / "upload"
    source.write_bytes(b"a sif")

    assert execute(node, node.build(BuildKind.SIF, source)) == 0
    record = read_run(node.directory, node.token)
    image = node.directory / "image.sif"
    assert node.names() == WHOLE
    assert image.read_bytes() == b"a sif"
    assert image.stat().st_nlink == 1
    assert record.image_sha256 == sha256(source)


SYSTEM = "4    |1       |NONE    |36864-1081344      |FS (Squashfs/*System/amd64)"


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param("exit 1", id="not readable"),
        pytest.param("echo '1 |1 |NONE |0-1 |Def.FILE'", id="no partition"),
        pytest.param(f"echo '{SYSTEM.replace('amd64', 'arm64')}'", id="other architecture"),
        pytest.param(f"echo '{SYSTEM.replace('Squashfs', 'Ext3')}'", id="ext3"),
        pytest.param(f"echo '{SYSTEM.replace('Squashfs', 'Encrypted squashfs')}'", id="encrypted"),
        pytest.param(f"echo '{SYSTEM.replace('*System', 'System')}'", id="not primary"),
        pytest.param(f"echo '{SYSTEM}'; echo '5 |FS (Ext3/Overlay/amd64)'", id="overlay after"),
        pytest.param(f"echo '5 |FS (Ext3/Overlay/amd64)'; echo '{SYSTEM}'", id="overlay before"),
    ],
)
def test_a_sif_that_is_not_one_plain_system_is_refused(node: FakeNode, listing: str) -> None:
    source = node.storage / "upload"
    source.write_bytes(b"a sif")
    node.behave("list", listing)

    assert execute(node, node.build(BuildKind.SIF, source)) == 78
    assert node.names() == REFUSED
    assert read_run(node.directory, node.token).reason == "build_failed"


def test_a_sif_that_changed_since_the_upload_is_refused(node: FakeNode) -> None:
    source = node.storage / "upload"
    source.write_bytes(b"a sif")
    build = node.build(BuildKind.SIF, source)
    source.write_bytes(b"A SIF")

    assert execute(node, build) == 76


def test_without_namespaces_nothing_is_built(node: FakeNode) -> None:
    # Inside a user namespace that may make no other one, unshare has to fail.
    script = node.storage / "script"
    build = node.build(BuildKind.ARCHIVE, tar(node.storage / "a", "manifest.json"))
    script.write_text(
        build_script(build, token=node.token, directory=PurePosixPath(node.directory))
    )
    inside = 'echo 0 >/proc/sys/user/max_user_namespaces && exec /bin/bash "$0"'

    done = subprocess.run(
        ["unshare", "-r", "/bin/bash", "-c", inside, str(script)],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 77
    assert read_run(node.directory, node.token).reason == "isolation_unavailable"
    assert node.calls("build") == []
