"""Looks into every layer of an image archive before anything unpacks it.

Read from front to back, once, in constant memory but for one number per name. Tools are lenient with
leading slashes, set-user-id bits and absolute symbolic links, which are usual in images; so are we.
"""

import posixpath
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from portal.files.archives.entries import Entry, EntryKind
from portal.files.archives.members import read_entries
from portal.files.archives.tar_reader import tar_entries
from portal.files.errors import BadArchiveError, shown
from portal.files.images.layer_source import Hashed, LayerSource
from portal.files.images.manifests import Described, Index

_NAMED_BY_DIGEST = re.compile(r"(?:blobs/sha256/([0-9a-f]{64})|([0-9a-f]{64})\.json)")
_PATH_LIMIT = 4096
_PART_LIMIT = 255
_DEPTH_LIMIT = 128
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLimits:
    """What the layers of an image may hold together."""

    entries: int = 1_000_000
    size: int = 100 * 1024**3
    """Bytes, unpacked."""
    seconds: float = 600
    """How long looking may take."""


LAYER_LIMITS = LayerLimits()
"""What is accepted where the caller says nothing else."""


def check_layers(
    source: Path, image: Described, index: Index, limits: LayerLimits = LAYER_LIMITS
) -> None:
    """Raise ``BadArchiveError`` for the first thing in a layer that may not be there.

    Each blob must have the digest that it is named by, each layer the digest that the image's
    configuration lists (``diff_ids``).
    """
    expected = expected_layers(image, index)
    budget = Budget(limits)
    for entry in read_entries(source):
        name = posixpath.normpath(entry.name)
        if entry.kind is not EntryKind.FILE:
            continue
        blob = Hashed(entry.chunks())
        if name in expected:
            found = _check_layer(blob, entry.size, expected[name][0], budget)
            if any(digest != f"sha256:{found}" for _, digest in expected[name]):
                raise mismatch(expected[name][0][0])
        if _NAMED_BY_DIGEST.fullmatch(name):
            check_name(name, blob.finish())


def check_name(name: str, sha256: str) -> None:
    """Raise ``BadArchiveError`` where an entry is named by a digest that is not the one of its content."""
    named = _NAMED_BY_DIGEST.fullmatch(name)
    if named and sha256 != (named[1] or named[2]):
        raise BadArchiveError(
            "digest",
            f"The content of {shown(name)} is not what its name says. Save the image again.",
        )


def expected_layers(image: Described, index: Index) -> dict[str, list[tuple[int, str]]]:
    """Return the numbers and digests that each entry has as a layer."""
    if len(image.diff_ids) != len(image.layers):
        raise BadArchiveError(
            "diff_ids",
            f"The image's configuration lists {len(image.diff_ids)} layers, its manifest"
            f" {len(image.layers)}. Save the image again with docker save or podman save.",
        )
    expected: dict[str, list[tuple[int, str]]] = {}
    for number, (name, digest) in enumerate(zip(image.layers, image.diff_ids, strict=True), 1):
        expected.setdefault(index.links.get(name, name), []).append((number, digest))
    return expected


def mismatch(number: int) -> BadArchiveError:
    """Return the refusal of a layer that has another digest than the configuration says."""
    return BadArchiveError(
        "digest",
        f"Layer {number} is not the one that the image's configuration lists. Save the image again.",
    )


@dataclass(slots=True)
class Budget:
    """What may still come, over all layers."""

    limits: LayerLimits
    entries: int = 0
    size: int = 0
    started: float = field(default_factory=time.monotonic)

    def spend(self, size: int) -> None:
        """Count bytes; raise ``BadArchiveError`` when they, or the time, are too much."""
        self.size += size
        if self.size > self.limits.size:
            raise BadArchiveError(
                "too_large",
                f"The image unpacks to more than {self.limits.size} bytes, the limit.",
            )
        if time.monotonic() - self.started > self.limits.seconds:
            raise BadArchiveError(
                "too_slow",
                f"Looking through the image took more than {self.limits.seconds:g} seconds. Make"
                " it smaller and submit it again.",
            )

    def entry(self, number: int = 1) -> None:
        """Count entries; raise ``BadArchiveError`` when they are too many."""
        self.entries += number
        if self.entries > self.limits.entries:
            raise BadArchiveError(
                "too_many",
                f"The image's layers hold more than {self.limits.entries} files. Leave out what is"
                " not needed, such as caches and package sources.",
            )


def _check_layer(blob: Hashed, size: int, layer: tuple[int, str], budget: Budget) -> str:
    """Look at each entry and return the sha256 of the layer, unpacked."""
    number, _ = layer
    try:
        return look_at(blob, size, budget)
    except BadArchiveError as error:
        raise of_layer(number, error) from error


def look_at(blob: Hashed, size: int, budget: Budget) -> str:
    """Look at each entry of a layer; return the layer's sha256, unpacked. Raises ``BadArchiveError``."""
    source = LayerSource(blob, size, budget.spend)
    for entry in tar_entries(source):
        budget.entry()
        _check_entry(entry)
    return source.digest


def of_layer(number: int, problem: BadArchiveError) -> BadArchiveError:
    """Return what is wrong with a layer as what is wrong with its image."""
    return BadArchiveError(problem.reason, f"Layer {number} of the image: {problem.message}")


def _check_entry(entry: Entry) -> None:
    parts = [part for part in entry.name.split("/") if part not in {"", "."}]
    if problem := _problem(entry.name, parts):
        raise BadArchiveError("name", f"The name {shown(entry.name)} {problem}.")
    if entry.kind is EntryKind.DEVICE and parts[:1] == ["dev"]:
        # Base images of some distributions have them; unprivileged tools make none, and a run has its own /dev.
        return
    if entry.kind in {EntryKind.DEVICE, EntryKind.PIPE, EntryKind.OTHER}:
        raise BadArchiveError("kind", f"{shown(entry.name)} is a {entry.kind}. Leave it out.")
    if not parts and entry.kind is not EntryKind.DIRECTORY:
        raise BadArchiveError("kind", f"The root of the image is a {entry.kind}, not a directory.")
    if _leads_out(entry):
        raise BadArchiveError(
            "link", f"The {entry.kind} {shown(entry.name)} leads out of the image. Leave it out."
        )
    if any(part.startswith(WHITEOUT) for part in parts) and not _is_whiteout(entry, parts):
        raise BadArchiveError(
            "whiteout",
            f"{shown(entry.name)} is no proper mark of a deleted file. Names that begin with .wh."
            " are kept for those.",
        )


def _problem(name: str, parts: list[str]) -> str | None:
    if "\0" in name:
        return "has a zero byte"
    if ".." in parts:
        return "leads out of the image"
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if sum(sizes) + len(sizes) > _PATH_LIMIT or max(sizes, default=0) > _PART_LIMIT:
        return "is too long"
    return "is too deep" if len(parts) > _DEPTH_LIMIT else None


def _leads_out(entry: Entry) -> bool:
    if entry.kind is EntryKind.HARD_LINK:
        return ".." in entry.target.split("/") or "\0" in entry.target
    # A symbolic link that climbs too high ends at the root of the image, as an absolute one begins there.
    return entry.kind is EntryKind.SYMLINK and "\0" in entry.target


def _is_whiteout(entry: Entry, parts: list[str]) -> bool:
    *folders, name = parts
    if any(folder.startswith(WHITEOUT) for folder in folders):
        return False
    hidden = name.removeprefix(WHITEOUT)
    is_named = hidden not in {"", ".", ".."} and not hidden.startswith(WHITEOUT)
    return (name == OPAQUE or is_named) and entry.kind is EntryKind.FILE and entry.size == 0
