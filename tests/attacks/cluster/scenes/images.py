"""Images with busybox and what is planted in them, and the jobs that build them."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from containers.interface import Build, BuildKind
from containers.rundir import read_log
from containers.scripts import build_script
from tests.support.cluster.node import Ended, PracticeNode, new_token, sha256

BUSYBOX = Path("/bin/busybox")


def image_of(built: Ended) -> Path:
    assert built.record.done, read_log(built.directory, "stderr.log") or built.record
    return built.directory / "image.sif"


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
