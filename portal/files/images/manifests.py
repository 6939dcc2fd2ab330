"""Reads the manifests of an image archive: bounded, and each word checked before it is used.

An archive may hold the same image for several kinds of processors. The one for the nodes is chosen here, and
what is chosen is written down as a manifest of its own, so that the build chooses nothing.
"""

import json
import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from portal.files.archives.members import read_entries
from portal.files.errors import BadArchiveError, shown
from portal.files.images.platforms import Platform, choose_image

MAX_MANIFEST_BYTES = 1024 * 1024
"""What one manifest may have."""
_MAX_TOGETHER_BYTES = 4 * MAX_MANIFEST_BYTES
"""What manifests of one kind may have together."""
_MAX_IMAGES = 100
_MAX_CHOSEN_BYTES = 64 * 1024
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
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
    "manifests", "mediatype", "os", "platform", "repotags", "rootfs", "size", "urls", "variant",
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

    layout: Literal["docker", "oci"]
    layers: tuple[str, ...]
    """Names of entries of the archive."""
    architecture: str
    diff_ids: tuple[str, ...]
    """Digests of the layers, unpacked, as the configuration lists them; empty where it does not."""
    chosen: str = ""
    """The text of ``manifest.json`` or ``index.json`` that names this image alone, where the archive's does not."""


class ManifestReader:
    """Reads JSON entries of one archive by name, and describes its image for an architecture.

    With an empty architecture any image fits. With ``kept``, the content of everything that can be a manifest,
    the archive is not read.
    """

    def __init__(
        self,
        source: Path,
        index: Index,
        architecture: str,
        kept: Mapping[str, bytes] | None = None,
    ) -> None:
        self._source = source
        self._kept = kept
        self._index = index
        self._architecture = architecture

    def docker(self) -> Described:
        """Describe an archive of ``docker save``; raise ``BadArchiveError`` if it is not sound."""
        listed = [_docker_image(image) for image in _expect(list, self._json("manifest.json"))]
        images = list(dict.fromkeys(listed))
        if not images or len(images) > _MAX_IMAGES:
            raise unsound()
        config, layers = images[0]
        if len(images) > 1:
            configs = self._all({config for config, _ in images})
            found = [(_platform(configs[image[0]]), image) for image in images]
            config, layers = choose_image(found, self._architecture)
        alone = [{"Config": config, "RepoTags": [], "Layers": layers}]
        return self._described("docker", layers, config, alone if len(listed) > 1 else None)

    def oci(self) -> Described:
        """Describe an OCI layout; raise ``BadArchiveError`` if it is not sound."""
        _expect(str, _expect(dict, self._json("oci-layout")).get("imageLayoutVersion"))
        listed = self._descriptors({"index.json"})
        descriptor = self._chosen(listed)
        manifest = self._manifest(descriptor)
        layers = tuple(self._layer(one) for one in _expect(list, manifest.get("layers")))
        is_alone = listed == [descriptor]
        config = _blob(manifest.get("config"))
        return self._described("oci", layers, config, None if is_alone else self._alone(descriptor))

    def _descriptors(self, names: Collection[str]) -> list[dict[str, object]]:
        """Return what these indexes list, one after the other."""
        indexes = [_expect(dict, index) for index in self._all(names).values()]
        listed = [one for index in indexes for one in _expect(list, index.get("manifests"))]
        return [_expect(dict, one) for one in listed]

    def _chosen(self, listed: list[dict[str, object]]) -> dict[str, object]:
        """Return the descriptor of the image for the nodes, at most through one inner index."""
        inner = {_blob(one) for one in listed if _is_index(one) and not _is_attestation(one)}
        found = [one for one in listed if not _is_index(one)]
        found += self._descriptors(inner) if inner else []
        # An image that has several names is listed under each.
        images = {_blob(one): one for one in found if not _is_attestation(one)}
        if not images or len(images) > _MAX_IMAGES or any(map(_is_index, images.values())):
            raise unsound()
        if len(images) == 1:
            return next(iter(images.values()))
        platforms = self._platforms(images)
        found_platforms = [(platforms[name], image) for name, image in images.items()]
        return choose_image(found_platforms, self._architecture)

    def _platforms(self, images: Mapping[str, dict[str, object]]) -> dict[str, Platform]:
        """Return what each image is made for: as its descriptor says, or else its configuration."""
        platforms = {name: _platform(image.get("platform") or {}) for name, image in images.items()}
        unknown = {name for name, platform in platforms.items() if not platform.architecture}
        manifests = self._all(unknown) if unknown else {}
        configs = {
            name: _blob(_expect(dict, manifest).get("config"))
            for name, manifest in manifests.items()
        }
        contents = self._all(set(configs.values())) if configs else {}
        return platforms | {name: _platform(contents[config]) for name, config in configs.items()}

    def _manifest(self, descriptor: dict[str, object]) -> dict[str, object]:
        manifest = _expect(dict, self._json(_blob(descriptor)))
        # Some readers would take it for an index, whatever the descriptor says.
        if "manifests" in manifest or _is_index(manifest):
            raise unsound()
        return manifest

    def _alone(self, descriptor: dict[str, object]) -> dict[str, object]:
        """Return an index that lists one manifest, in words of our own."""
        kind = descriptor.get("mediaType")
        return {
            "schemaVersion": 2,
            "manifests": [
                {
                    "mediaType": kind if kind == _DOCKER_MANIFEST else _MANIFEST,
                    "digest": _expect(str, descriptor.get("digest")),
                    "size": self._index.sizes[_blob(descriptor)],
                }
            ],
        }

    def _layer(self, descriptor: object) -> str:
        name = _blob(descriptor)
        found = _expect(dict, descriptor)
        kind = _expect(str, found.get("mediaType", ""))
        if kind and kind not in _LAYER_TYPES:
            raise BadArchiveError(
                "media_type",
                f"A layer of the image is of the kind {shown(kind)}, which is not accepted. Save"
                " the image with gzip or zstd layers.",
            )
        if found.get("size") != self._index.sizes.get(name):
            raise unsound()
        return name

    def _described(
        self, layout: Literal["docker", "oci"], layers: tuple[str, ...], config: str, alone: object
    ) -> Described:
        if not layers or not all(map(self._index.holds_file, layers)):
            raise unsound()
        found = _expect(dict, self._json(config))
        rootfs = _expect(dict, found.get("rootfs", {}))
        diff_ids = [_expect(str, digest) for digest in _expect(list, rootfs.get("diff_ids", []))]
        chosen = json.dumps(alone) if alone is not None else ""
        if len(chosen) > _MAX_CHOSEN_BYTES:
            raise unsound()
        return Described(
            layout=layout,
            layers=layers,
            architecture=_expect(str, found.get("architecture", "")),
            diff_ids=tuple(diff_ids),
            chosen=chosen,
        )

    def _json(self, name: str) -> object:
        return self._all({name})[name]

    def _all(self, names: Collection[str]) -> dict[str, object]:
        """Read entries, in one pass through the archive; raise ``BadArchiveError`` if one is missing or too large."""
        sizes = [self._index.sizes.get(name, MAX_MANIFEST_BYTES + 1) for name in names]
        if max(sizes) > MAX_MANIFEST_BYTES or sum(sizes) > _MAX_TOGETHER_BYTES:
            raise unsound()
        try:
            return {
                name: json.loads(content, object_pairs_hook=_told_once)
                for name, content in self._read(names).items()
            }
        except (ValueError, RecursionError) as error:
            raise unsound() from error

    def _read(self, names: Collection[str]) -> dict[str, bytes]:
        if self._kept is not None:
            if not self._kept.keys() >= set(names):
                raise unsound()
            return {name: self._kept[name] for name in names}
        found: dict[str, bytes] = {}
        for entry in read_entries(self._source):
            name = posixpath.normpath(entry.name)
            if name in names:
                found[name] = b"".join(entry.chunks())
                if len(found) == len(names):
                    return found
        raise unsound()


def _told_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object that other readers of images could take otherwise.

    Programs written in Go, as Apptainer is, do not tell ``Layers`` from ``layers`` and take the last of
    them. Labels are free: they are only kept.
    """
    found = dict(pairs)
    ours = [key for key, _ in pairs if key.casefold() in _READ_HERE]
    if len(found) < len(pairs) or len({key.casefold() for key in ours}) < len(ours):
        raise unsound()
    return found


def _expect(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise unsound()
    return value


def _docker_image(image: object) -> tuple[str, tuple[str, ...]]:
    """Return the names of an image's configuration and layers, as ``manifest.json`` lists them."""
    found = _expect(dict, image)
    layers = _expect(list, found.get("Layers"))
    return _expect(str, found.get("Config")), tuple(_expect(str, layer) for layer in layers)


def _platform(value: object) -> Platform:
    """Read a platform of a descriptor, or the same words in a configuration."""
    found = _expect(dict, value)
    return Platform(
        os=_expect(str, found.get("os", "")),
        architecture=_expect(str, found.get("architecture", "")),
        variant=_expect(str, found.get("variant", "")),
    )


def _is_index(descriptor: dict[str, object]) -> bool:
    kind = descriptor.get("mediaType")
    return isinstance(kind, str) and kind in _INDEX_TYPES


def _is_attestation(descriptor: dict[str, object]) -> bool:
    # Builders add statements about the image, dressed up as an image for the platform "unknown".
    platform = descriptor.get("platform")
    return isinstance(platform, dict) and platform.get("os") == "unknown"


def _blob(descriptor: object) -> str:
    digest = _expect(str, _expect(dict, descriptor).get("digest"))
    if not _DIGEST.fullmatch(digest):
        raise unsound()
    return digest.replace("sha256:", "blobs/sha256/")


def unsound() -> BadArchiveError:
    """Return the refusal of an image whose manifests make no sense."""
    return BadArchiveError(
        "manifest",
        "The image's manifest is missing, damaged or names parts that are not in the archive. Save"
        " the image again with docker save or podman save.",
    )
