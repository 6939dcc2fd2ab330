"""The same image in the other forms in which people hand it in."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import zstandard

_OCI = "application/vnd.oci.image"


def by_gzip(archive: Path, target: Path) -> None:
    """Write what ``docker save | gzip`` gives."""
    target.write_bytes(gzip.compress(archive.read_bytes()))


def with_compressed_layer(archive: Path, target: Path) -> None:
    """Write what ``docker save`` gives where Docker keeps images in containerd's store."""
    _with_layer(archive, target, gzip.compress)


def with_zstd_layer(archive: Path, target: Path) -> None:
    """Write the same with a layer that is packed with zstd."""
    _with_layer(archive, target, zstandard.ZstdCompressor().compress)


def _with_layer(archive: Path, target: Path, pack: Callable[[bytes], bytes]) -> None:
    with tarfile.open(archive) as source:
        (image,) = json.load(_member(source, "manifest.json"))
        layer = pack(_member(source, image["Layers"][0]).read())
        config = _member(source, image["Config"]).read()
    name = f"blobs/sha256/{_digest(layer)}"
    config_name = f"blobs/sha256/{_digest(config)}"
    manifest = _json([{"Config": config_name, "RepoTags": ["a:b"], "Layers": [name]}])
    _write(target, {config_name: config, name: layer, "manifest.json": manifest})


def as_oci(archive: Path, target: Path) -> None:
    """Write an OCI archive from a docker archive of one layer."""
    with tarfile.open(archive) as source:
        (image,) = json.load(_member(source, "manifest.json"))
        config = _member(source, image["Config"]).read()
        layer = _member(source, image["Layers"][0]).read()
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": _described(config, "config.v1+json"),
            "layers": [_described(layer, "layer.v1.tar")],
        }
    )
    index = _json({"schemaVersion": 2, "manifests": [_described(manifest, "manifest.v1+json")]})
    blobs = {f"blobs/sha256/{_digest(blob)}": blob for blob in (config, layer, manifest)}
    layout = _json({"imageLayoutVersion": "1.0.0"})
    _write(target, {**blobs, "index.json": index, "oci-layout": layout})


def _write(target: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(target, "w") as out:
        for folder in ("blobs", "blobs/sha256"):
            header = tarfile.TarInfo(folder)
            header.type, header.mode = tarfile.DIRTYPE, 0o755
            out.addfile(header)
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            out.addfile(header, io.BytesIO(content))


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    member = archive.extractfile(name)
    assert isinstance(member, io.BufferedReader)
    return member


def _described(blob: bytes, kind: str) -> dict[str, object]:
    return {
        "mediaType": f"{_OCI}.{kind}",
        "digest": f"sha256:{_digest(blob)}",
        "size": len(blob),
    }


def _digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
