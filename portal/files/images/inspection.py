"""Looks at an uploaded image, without unpacking it, for what would keep it from running here.

What is found is what the archive says of itself. The build job makes the image and checks digests;
this look spares people the queue for what can be seen at once.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from containers.sif import NotASifError, read_sif
from portal.files.archives.entries import Entry, EntryKind
from portal.files.archives.formats import Format, format_of
from portal.files.archives.members import read_entries, recipe_refused
from portal.files.errors import BadArchiveError, shown
from portal.files.images.layers import LAYER_LIMITS, LayerLimits, check_layers
from portal.files.images.manifests import Described, Index, ManifestReader
from portal.files.images.platforms import Platform, not_for_nodes
from portal.files.images.streams import Looks


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What an image archive may hold."""

    entries: int = 5_000
    """Entries of the archive itself; its layers are single entries."""
    layers: int = 200
    size: int = 100 * 1024**3
    """Bytes of all entries, after decompression of the archive but not of its layers."""
    architecture: str = "amd64"
    """What the nodes run, in the words of container images; empty for any."""


IMAGE_LIMITS = ImageLimits()
"""What is accepted where the caller says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """What an upload of kind image is."""

    format: str
    """``archive`` or ``sif``."""
    layout: Literal["", "docker", "oci"] = ""
    """What an archive is read as."""
    layers: int = 0
    architecture: str = ""
    """Empty where the image does not say."""
    system: int = 0
    """Of a SIF: the id of the part that is its system."""
    is_signed: bool = False
    """Whether a SIF holds a signature at all."""
    chosen: str = ""
    """Of an archive that names more than this image: the manifest that names it alone, which the build puts in."""


def inspect_image(source: Path, limits: ImageLimits = IMAGE_LIMITS) -> FoundImage:
    """Return what the image is; raise ``BadArchiveError`` with what to do about it otherwise.

    Of a SIF the tables and the first block of its system are read. Of an archive from ``docker save`` or ``podman save``, or in OCI
    layout, the list of entries and the manifests are read. Where it holds images for several architectures, the one for
    ``limits.architecture`` is described.
    """
    form = format_of(source)
    if form is Format.SIF:
        return _inspect_sif(source, limits)
    if form is Format.RECIPE:
        raise recipe_refused()
    if not form.is_archive or form is Format.ZIP:
        raise BadArchiveError(
            "not_an_image",
            "This is not an image. Submit the file that docker save, podman save or apptainer"
            " build has written.",
        )
    image, _ = describe(source, limits)
    return _found(image, limits)


def inspect_whole(
    source: Path, limits: ImageLimits = IMAGE_LIMITS, *, layers: LayerLimits = LAYER_LIMITS
) -> FoundImage:
    """Do what ``inspect_image`` and ``inspect_layers`` do, in one reading of the upload, and return what it is.

    For the worker, never for a request.
    """
    form = format_of(source)
    if not form.is_archive or form is Format.ZIP:
        return inspect_image(source, limits)
    # Parts of a plain archive can be passed over: its manifests are read before its layers.
    looks = None if form is Format.TAR else Looks(layers)
    image, index = describe(source, limits, looks)
    found = _found(image, limits)
    if looks is None:
        check_layers(source, image, index, layers)
    else:
        looks.check(image, index)
    return found


def inspect_layers(
    source: Path, limits: ImageLimits = IMAGE_LIMITS, *, layers: LayerLimits = LAYER_LIMITS
) -> None:
    """Look into all layers of an archive; raise ``BadArchiveError`` with what to do about it.

    This reads the whole upload: it is for the worker, never for a request.
    """
    image, index = describe(source, limits)
    check_layers(source, image, index, layers)


def describe(
    source: Path, limits: ImageLimits, looks: Looks | None = None
) -> tuple[Described, Index]:
    """Return what an archive's manifests say, and its entries; raise ``BadArchiveError`` for what is not sound.

    With ``looks``, which look at all entries on the way, the archive is read once.
    """
    index = _index(read_entries(source) if looks is None else looks.entries(source), limits)
    kept = None if looks is None else looks.kept
    reader = ManifestReader(source, index, limits.architecture, kept)
    # Docker writes both since release 25. Whatever it is asked for, Apptainer reads the OCI layout then since 1.4.
    is_oci = index.has("oci-layout") and index.has("index.json")
    is_docker = "manifest.json" in index.sizes and not is_oci
    return (reader.docker() if is_docker else reader.oci()), index


def _inspect_sif(source: Path, limits: ImageLimits) -> FoundImage:
    try:
        header = read_sif(source)
    except NotASifError as error:
        raise BadArchiveError("sif", str(error)) from error
    _check_architecture(header.architecture, limits)
    return FoundImage(
        format="sif",
        architecture=header.architecture,
        system=header.system,
        is_signed=header.is_signed,
    )


def _check_architecture(architecture: str, limits: ImageLimits) -> None:
    if limits.architecture and architecture not in {"", limits.architecture}:
        raise not_for_nodes([Platform(architecture=architecture)], limits.architecture)


def _found(image: Described, limits: ImageLimits) -> FoundImage:
    if len(image.layers) > limits.layers:
        raise BadArchiveError(
            "too_many_layers",
            f"The image has {len(image.layers)} layers; up to {limits.layers} are accepted. Build"
            " it with fewer steps, or flatten it.",
        )
    _check_architecture(image.architecture, limits)
    return FoundImage(
        format="archive",
        layout=image.layout,
        layers=len(image.layers),
        architecture=image.architecture,
        chosen=image.chosen,
    )


@dataclass(slots=True)
class _Survey:
    """Notes the entries of an archive, and the first one that may not be there."""

    limits: ImageLimits
    index: Index = field(default_factory=Index)
    entries: int = 0
    size: int = 0
    problem: BadArchiveError | None = None

    def add(self, entry: Entry) -> None:
        self.entries += 1
        self.size += entry.size
        if self.entries > self.limits.entries:
            raise self.problem or _too_many(self.limits)
        if self.size > self.limits.size:
            raise BadArchiveError(
                "too_large", f"The image is larger than {self.limits.size} bytes, the limit."
            )
        self.problem = self.problem or self._refusal(entry)
        name = posixpath.normpath(entry.name)
        if entry.kind is EntryKind.FILE:
            self.index.sizes[name] = entry.size
        elif entry.kind is EntryKind.SYMLINK:
            self.index.links[name] = _target(entry)

    def _refusal(self, entry: Entry) -> BadArchiveError | None:
        name = posixpath.normpath(entry.name)
        if not _is_inside(name) or not name.isprintable():
            return BadArchiveError(
                "name", f"The image archive has the unsafe name {shown(entry.name)}."
            )
        if entry.kind is EntryKind.SYMLINK:
            # podman names layers a second time by such links; nothing here follows them to a disk.
            is_fine = _is_inside(_target(entry)) and not entry.target.startswith("/")
        else:
            is_fine = entry.kind in {EntryKind.FILE, EntryKind.DIRECTORY}
        if not is_fine:
            message = f"In the image archive, {shown(entry.name)} is a {entry.kind}."
            return BadArchiveError("kind", message)
        if entry.kind is not EntryKind.DIRECTORY and self.index.has(name):
            return BadArchiveError("duplicate", f"The image archive has {shown(entry.name)} twice.")
        return None


def _index(entries: Iterable[Entry], limits: ImageLimits) -> Index:
    survey = _Survey(limits)
    for entry in entries:
        survey.add(entry)
    if not survey.index.sizes.keys() & {"manifest.json", "index.json"}:
        raise BadArchiveError(
            "not_an_image",
            "The archive has no manifest.json and no index.json, so it is not an image. Use docker"
            " save or podman save, not docker export.",
        )
    if survey.problem:
        raise survey.problem
    return survey.index


def _too_many(limits: ImageLimits) -> BadArchiveError:
    return BadArchiveError(
        "too_many",
        f"The archive holds more than {limits.entries} entries, so it is not an image. Use docker"
        " save or podman save, not docker export.",
    )


def _target(entry: Entry) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), entry.target))


def _is_inside(name: str) -> bool:
    return not name.startswith(("/", "../")) and name != ".."
