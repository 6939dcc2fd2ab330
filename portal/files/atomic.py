"""Files and directories that appear whole, or not at all, whoever else makes the same beside it.

What is not whole yet lies beside it, under a name of its own that begins with ``PART``: nobody else writes to it, and
what a killed process left can be distinguished from all else.
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
def new_file(target: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Write a file that appears under its name when it is whole and on disk, and replaces what was there."""
    descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=PART)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        Path(part).replace(target)
    finally:
        Path(part).unlink(missing_ok=True)


def write(target: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write ``content`` as ``new_file`` does."""
    with new_file(target, mode=mode) as stream:
        stream.write(content)


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
