"""Looking into an image that was submitted: what it is, and whether the site takes it."""

from pathlib import Path

from containers.interface import UNPACKED_FILES, UNPACKED_LIMIT, Signature
from portal.domain.challenges.profiles import SifPolicy
from portal.files.errors import BadArchiveError
from portal.files.images.inspection import FoundImage, ImageLimits, inspect_whole
from portal.files.images.layers import LayerLimits

BUILD_LAYERS = LayerLimits(entries=UNPACKED_FILES, size=UNPACKED_LIMIT)
"""What the layers of an image may hold: as much as its build may make."""


def look_into(
    source: Path, limits: ImageLimits, policy: SifPolicy
) -> tuple[FoundImage, Signature | None]:
    """Return what an image is, and what its build has to find signed.

    Raises ``BadArchiveError`` for what is seen to be refused. Reads the whole file, once.
    """
    found = inspect_whole(source, limits, layers=BUILD_LAYERS)
    return found, _signature(policy, found)


def _signature(policy: SifPolicy, found: FoundImage) -> Signature | None:
    if found.format != "sif":
        return None
    if not policy.taken:
        raise BadArchiveError(
            "sif",
            "This site takes no SIF images. Submit what docker save or podman save has written.",
        )
    if not policy.keys:
        return None
    if not found.is_signed:
        raise BadArchiveError(
            "unsigned",
            "The image is not signed. Sign it with apptainer sign --key, with a key that this site accepts.",
        )
    return Signature(part=found.system, keys=policy.keys)
