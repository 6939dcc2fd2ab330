"""Files and directories that appear whole, or not at all, whoever else makes the same beside it.

What is not whole yet lies in a directory of its own, whose name begins with ``PART``: nobody else writes to it, and what
a killed process left can be distinguished from all else.
"""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.files.trees import remove

PART = ".part-"
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY}


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Give an empty directory on the file system of ``target``, which is removed in the end."""
    part = Path(tempfile.mkdtemp(prefix=PART, dir=target.parent))
    try:
        part.chmod(0o750)
        yield part
    finally:
        remove([part])


def become(made: Path, target: Path) -> None:
    """Let a directory that is whole become ``target``; where there is one by now, that one stays."""
    try:
        made.rename(target)
    except OSError as problem:
        if problem.errno not in _TAKEN:
            raise
