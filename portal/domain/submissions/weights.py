"""Weights: large files that a team uploads once and uses in many submissions."""

import re
from pathlib import PurePosixPath

PLACE = PurePosixPath("/weights")
"""Where a run finds them."""
COUNT = 50
"""How many a team may keep in a challenge."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def mounted_at(filename: str, *, unpacked: bool) -> PurePosixPath:
    """Return where a run finds a file that was uploaded under that name.

    The files of an archive that is unpacked are directly in ``/weights``; another file keeps its name, where that
    is plain. ``files.weights`` tells the two apart by content.
    """
    if unpacked:
        return PLACE
    return PLACE / (filename if _PLAIN.fullmatch(filename) else "weights")
