"""Reads the manifests of an image archive: bounded, and each word checked before it is used."""

import json
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from portal.files.errors import BadArchive, shown
from portal.files.members import read_entries

_SIZE_LIMIT = 1024 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LAYER_TYPES = {
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
}
_INDEX_TYPES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}

_READ_HERE = {
    "annotations", "architecture", "config", "diff_ids", "digest", "imagelayoutversion", "layers",
    "manifests", "mediatype", "os", "platform", "repotags", "rootfs", "size", "urls",
}  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Index:
    """The entries of an archive: files with their sizes, links with their targets."""

    sizes: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether there is a file or link of this name."""
        return name in self.sizes or name in self.links

    def holds_file(self, name: str) -> bool:
        """Whether the name leads to a file, at most through one link."""
        return self.links.get(name, name) in self.sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What an image's manifest says."""

    layout: str
    layers: tuple[str, ...]
    """Names of entries of the archive."""
    architecture: str
    diff_ids: tuple[str, ...]
    """Digests of the layers, unpacked, as the configuration lists them; empty where it does not."""


class ManifestReader:
    """Reads JSON entries of one archive by name."""

    def __init__(self, source: Path, index: Index) -> None:
        self._source = source
        self._index = index

    def docker(self) -> Described:
        """Describe an archive of ``docker save``; raise ``BadArchive`` if it is not sound."""
        images = _expect(list, self._json("manifest.json"))
        image = _expect(dict, _only(images))
        layers = [_expect(str, layer) for layer in _expect(list, image.get("Layers"))]
        return self._described("docker", layers, _expect(str, image.get("Config")))

    def oci(self) -> Described:
        """Describe an OCI layout; raise ``BadArchive`` if it is not sound."""
        _expect(str, _expect(dict, self._json("oci-layout")).get("imageLayoutVersion"))
        manifest = self._manifest("index.json")
        descriptors = _expect(list, manifest.get("layers"))
        layers = [self._layer(descriptor) for descriptor in descriptors]
        return self._described("oci", layers, _blob(manifest.get("config")))

    def _manifest(self, name: str) -> dict[str, object]:
        """Go from an index to its only image, at most through one inner index."""
        for _ in range(2):
            index = _expect(dict, self._json(name))
            found = [_expect(dict, entry) for entry in _expect(list, index.get("manifests"))]
            descriptor = _only([entry for entry in found if not _is_attestation(entry)])
            name = _blob(descriptor)
            if descriptor.get("mediaType") not in _INDEX_TYPES:
                return _expect(dict, self._json(name))
        raise _unsound()

    def _layer(self, descriptor: object) -> str:
        name = _blob(descriptor)
        found = _expect(dict, descriptor)
        kind = _expect(str, found.get("mediaType", ""))
        if kind and kind not in _LAYER_TYPES:
            raise BadArchive(
                "media_type",
                f"A layer of the image is of the kind {shown(kind)}, which is not accepted. Save"
                " the image with gzip or zstd layers.",
            )
        if found.get("size") != self._index.sizes.get(name):
            raise _unsound()
        return name

    def _described(self, layout: str, layers: list[str], config: str) -> Described:
        if not layers or not all(map(self._index.holds_file, layers)):
            raise _unsound()
        found = _expect(dict, self._json(config))
        rootfs = _expect(dict, found.get("rootfs", {}))
        diff_ids = [_expect(str, digest) for digest in _expect(list, rootfs.get("diff_ids", []))]
        return Described(
            layout=layout,
            layers=tuple(layers),
            architecture=_expect(str, found.get("architecture", "")),
            diff_ids=tuple(diff_ids),
        )

    def _json(self, name: str) -> object:
        if self._index.sizes.get(name, _SIZE_LIMIT + 1) > _SIZE_LIMIT:
            raise _unsound()
        try:
            return json.loads(self._read(name), object_pairs_hook=_told_once)
        except (ValueError, RecursionError) as error:
            raise _unsound() from error

    def _read(self, name: str) -> bytes:
        for entry in read_entries(self._source):
            if posixpath.normpath(entry.name) == name:
                return b"".join(entry.chunks())
        raise _unsound()


def _told_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object that other readers of images could take otherwise.

    Programs written in Go, as Apptainer is, do not tell ``Layers`` from ``layers`` and take the last of
    them. Labels are free: they are only kept.
    """
    found = dict(pairs)
    ours = [key for key, _ in pairs if key.casefold() in _READ_HERE]
    if len(found) < len(pairs) or len({key.casefold() for key in ours}) < len(ours):
        raise _unsound()
    return found


def _expect(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise _unsound()
    return value


def _only(images: list[T]) -> T:
    if len(images) != 1:
        raise BadArchive(
            "several_images",
            f"The archive holds {len(images)} images. Save exactly one, for one platform.",
        )
    return images[0]


def _is_attestation(descriptor: dict[str, object]) -> bool:
    # Builders add statements about the image, dressed up as an image for the platform "unknown".
    platform = descriptor.get("platform")
    return isinstance(platform, dict) and platform.get("os") == "unknown"


def _blob(descriptor: object) -> str:
    digest = _expect(str, _expect(dict, descriptor).get("digest"))
    if not _DIGEST.fullmatch(digest):
        raise _unsound()
    return digest.replace("sha256:", "blobs/sha256/")


def _unsound() -> BadArchive:
    return BadArchive(
        "manifest",
        "The image's manifest is missing, damaged or names parts that are not in the archive. Save"
        " the image again with docker save or podman save.",
    )
