"""Weights: large files that a team uploads once and uses in many submissions."""

import re
from pathlib import PurePosixPath

PLACE = PurePosixPath("/weights")
"""Where a run finds them."""
COUNT = 50
"""How many a team may keep in a challenge."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(filename: str) -> bool:
    """Tell whether a file is unpacked for the run: by its name, as files of weights are archives themselves."""
    return filename.lower().endswith(_ARCHIVES)


def mounted_at(filename: str) -> PurePosixPath:
    """Return where a run finds a file that was uploaded under that name.

    An archive's files are directly in ``/weights``; another file keeps its name, where that is plain.
    """
    if is_archive(filename):
        return PLACE
    return PLACE / (filename if _PLAIN.fullmatch(filename) else "weights")
