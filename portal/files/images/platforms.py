"""Chooses, of the images that one archive holds, the one that the nodes run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from portal.files.errors import BadArchiveError, shown

_SYSTEMS = {"", "linux"}
_VARIANTS = {"arm64": {"", "v8"}}
"""Where only some variants of a processor run everything; else the lowest one is taken."""
_MAX_NAMED = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an image is made for, in the words of container images; empty where nothing is said."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        system = "" if self.os in _SYSTEMS else self.os
        return "/".join(filter(None, (system, self.architecture, self.variant))) or "unknown"


def choose_image(images: Sequence[tuple[Platform, T]], architecture: str) -> T:
    """Return the only image that fits the architecture; any fits where that is empty.

    An image that names its processor comes before one that does not, and a lower variant before a higher one.
    Raises ``BadArchiveError`` where no image fits, or several do that are equally good.
    """
    ranked = [(_rank(platform, architecture), image) for platform, image in images]
    best = min((rank for rank, _ in ranked if rank), default=None)
    if best is None:
        raise not_for_nodes([platform for platform, _ in images], architecture)
    found = [image for rank, image in ranked if rank == best]
    if len(found) > 1:
        made_for = f" for {architecture}" if architecture else ""
        raise BadArchiveError(
            "several_images",
            f"The archive holds {len(found)} images{made_for}. Save exactly one.",
        )
    return found[0]


def not_for_nodes(platforms: Sequence[Platform], architecture: str) -> BadArchiveError:
    """Return the error for images of which the nodes run none; it names what these are made for."""
    names = list(dict.fromkeys(shown(str(platform)) for platform in platforms))
    named = ", ".join(names[:_MAX_NAMED]) + (" and others" if len(names) > _MAX_NAMED else "")
    subject = "The image is" if len(platforms) == 1 else "The archive's images are"
    return BadArchiveError(
        "architecture",
        f"{subject} made for {named}, but the nodes are {architecture}. Build it with --platform"
        f" linux/{architecture}.",
    )


def _rank(platform: Platform, architecture: str) -> tuple[bool, str] | None:
    """Return how well an image fits, the best first; None if it does not."""
    if platform.os not in _SYSTEMS:
        return None
    if not architecture:
        return (False, "")
    if platform.architecture not in {"", architecture}:
        return None
    if platform.variant not in _VARIANTS.get(architecture, {platform.variant}):
        return None
    return (not platform.architecture, platform.variant)
