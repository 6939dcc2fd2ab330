"""Files and directories that appear whole, or not at all, whoever else makes the same beside it.

What is not whole yet has a name of its own, which begins with ``PART``: nobody else writes to it, and what a
killed process left can be told from all else.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from portal.files.trees import remove

PART = ".part-"
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY}


@contextmanager
def whole_directory(target: Path, mode: int = 0o750) -> Iterator[Path]:
    """Give a directory to fill, which becomes ``target`` at the end.

    Where there is a ``target`` by then, that one stays, and this one goes.
    """
    part = Path(tempfile.mkdtemp(prefix=PART, dir=target.parent))
    try:
        part.chmod(mode)
        yield part
        try:
            part.rename(target)
        except OSError as problem:
            if problem.errno not in _TAKEN:
                raise
    finally:
        remove([part])


@contextmanager
def whole_file(target: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of ``target`` at the end, and is on disk then."""
    descriptor, part = tempfile.mkstemp(prefix=PART, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(part).rename(target)
    finally:
        Path(part).unlink(missing_ok=True)
