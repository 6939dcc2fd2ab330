"""The same image in the other forms in which people submit it."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
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


def with_variables(archive: Path, target: Path, variables: Sequence[str]) -> None:
    """Write the same docker archive of one layer with these variables (``ENV``), each as ``NAME=value``."""
    config, layer = _parts(archive)
    told = json.loads(config)
    told["config"]["Env"] = ["PATH=/usr/bin:/bin", *variables]
    config = _json(told)
    files = {f"{_digest(config)}.json": config, f"{_digest(layer)}/layer.tar": layer}
    name, layer_name = files
    manifest = _json([{"Config": name, "RepoTags": ["a:b"], "Layers": [layer_name]}])
    _write(target, {**files, "manifest.json": manifest})


def with_another_layer(archive: Path, target: Path, change: Callable[[bytes], bytes]) -> None:
    """Write the same docker archive with its first layer changed."""
    with tarfile.open(archive) as source:
        (image,) = json.load(_member(source, "manifest.json"))
        told = json.load(_member(source, image["Config"]))
        first, *others = [_member(source, name).read() for name in image["Layers"]]
    layers = [change(first), *others]
    told["rootfs"]["diff_ids"] = [f"sha256:{_digest(layer)}" for layer in layers]
    config = _json(told)
    names = [f"{_digest(layer)}/layer.tar" for layer in layers]
    name = f"{_digest(config)}.json"
    manifest = _json([{"Config": name, "RepoTags": ["a:b"], "Layers": names}])
    parts = dict(zip(names, layers, strict=True))
    _write(target, {name: config, **parts, "manifest.json": manifest})


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
    blobs, image = _oci_image(*_parts(archive))
    _write_layout(target, blobs, [image])


def with_inner_index(archive: Path, target: Path) -> None:
    """Write what buildx gives for two platforms: an index in the index, and a statement on each image."""
    blobs, images = _two_images(archive)
    statements = []
    for image in images:
        more, statement = _oci_image(_json({"architecture": "unknown", "os": "unknown"}), b"{}")
        blobs |= more
        notes = {
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        }
        nowhere = {"architecture": "unknown", "os": "unknown"}
        statements.append({**statement, "annotations": notes, "platform": nowhere})
    inner = _json({"schemaVersion": 2, "manifests": [*images, *statements]})
    _write_layout(target, blobs | {_name_of(inner): inner}, [_described(inner, "index.v1+json")])


def with_platforms_in_the_index(archive: Path, target: Path) -> None:
    """Write an OCI archive whose index lists the image for another processor before the one of the archive."""
    _write_layout(target, *_two_images(archive))


def with_both_layouts(archive: Path, target: Path) -> None:
    """Write what docker save of release 25 and later gives for two platforms: manifest.json knows only one."""
    config, layer = _parts(archive)
    manifest = [{"Config": _name_of(config), "RepoTags": ["a:b"], "Layers": [_name_of(layer)]}]
    _write_layout(target, *_two_images(archive), more={"manifest.json": _json(manifest)})


def with_two_docker_images(archive: Path, target: Path) -> None:
    """Write an archive of docker save with an image of the same name for another processor before its own."""
    files: dict[str, bytes] = {}
    listed = []
    for config, layer in (_of_another_processor(), _parts(archive)):
        files |= {f"{_digest(config)}.json": config, f"{_digest(layer)}/layer.tar": layer}
        names = {"Config": f"{_digest(config)}.json", "Layers": [f"{_digest(layer)}/layer.tar"]}
        listed.append({**names, "RepoTags": ["a:b"]})
    _write(target, {**files, "manifest.json": _json(listed)})


def _parts(archive: Path) -> tuple[bytes, bytes]:
    """Return the configuration and the layer of a docker archive of one layer."""
    with tarfile.open(archive) as source:
        (image,) = json.load(_member(source, "manifest.json"))
        config = _member(source, image["Config"]).read()
        return config, _member(source, image["Layers"][0]).read()


def _of_another_processor() -> tuple[bytes, bytes]:
    """Return an image in which there is no program."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("of another processor"))
    layer = buffer.getvalue()
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]}
    return _json({"architecture": "s390x", "os": "linux", "rootfs": rootfs}), layer


def _two_images(archive: Path) -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Return the blobs and the descriptors of an image for another processor and of the archive's."""
    blobs: dict[str, bytes] = {}
    descriptors = []
    for config, layer in (_of_another_processor(), _parts(archive)):
        more, descriptor = _oci_image(config, layer)
        blobs |= more
        told = json.loads(config)
        platform = {"architecture": told["architecture"], "os": told["os"]}
        descriptors.append({**descriptor, "platform": platform})
    return blobs, descriptors


def _oci_image(config: bytes, layer: bytes) -> tuple[dict[str, bytes], dict[str, object]]:
    """Return the blobs of an image of one layer, and the descriptor of its manifest."""
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": _described(config, "config.v1+json"),
            "layers": [_described(layer, "layer.v1.tar")],
        }
    )
    blobs = {_name_of(blob): blob for blob in (config, layer, manifest)}
    return blobs, _described(manifest, "manifest.v1+json")


def _write_layout(
    target: Path,
    blobs: dict[str, bytes],
    descriptors: Sequence[dict[str, object]],
    *,
    more: dict[str, bytes] | None = None,
) -> None:
    index = _json({"schemaVersion": 2, "manifests": list(descriptors)})
    layout = _json({"imageLayoutVersion": "1.0.0"})
    _write(target, {**blobs, **(more or {}), "index.json": index, "oci-layout": layout})


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


def _name_of(blob: bytes) -> str:
    return f"blobs/sha256/{_digest(blob)}"


def _digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
