"""Which file system a path is on, and whether other machines can write to it."""

import os
import re
from pathlib import Path

_SHARED = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|lustre|gpfs|beegfs|ceph|glusterfs|fuse\.(?!fuse-overlayfs).*|9p|afs|orangefs|panfs|wekafs"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the kind of the file system that holds ``path``, as the kernel calls it."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    best, kind = -1, "unknown"
    resolved = str(path.resolve())
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields, _, rest = line.partition(" - ")
        _, _, numbers, _, point, *_ = fields.split(" ")
        place = _OCTAL.sub(lambda match: chr(int(match[1], 8)), point)
        below = resolved == place or resolved.startswith(place.rstrip("/") + "/")
        # The longest mount point above it counts; of two at the same place, the later one.
        if below and len(place) >= best:
            best, kind = len(place), rest.split(" ")[0]
        elif numbers == wanted and best < 0:
            kind = rest.split(" ")[0]
    return kind


def is_shared(kind: str) -> bool:
    """Tell whether it is a network file system."""
    return _SHARED.fullmatch(kind) is not None
