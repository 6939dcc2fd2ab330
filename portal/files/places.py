"""Opens what lies in a directory that another account may write to: by descriptors, never through a link.

Whoever can write to a directory can exchange any name in it at any moment. So each component is opened by
itself, relative to the one before, and what was opened is looked at, not its name.

* NotPlainError   a link, a pipe, a file with several names, or no directory where one has to be
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.domain.untrusted import FileName

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NOT_PLAIN = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO})


class NotPlainError(Exception):
    """Something else stands where a plain file or directory has to be: staff has to look at it."""


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """Open a directory that nobody else can exchange; where an operator made it a link, that is followed."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_directory(parent: int, name: FileName) -> Iterator[int]:
    """Open a directory in an open one. Raises ``FileNotFoundError`` and ``NotPlainError``."""
    descriptor = _open(parent, name, os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(parent: int, name: FileName) -> Iterator[int]:
    """Open a regular file with one name for reading. Raises ``FileNotFoundError`` and ``NotPlainError``."""
    descriptor = _open(parent, name, 0)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            raise NotPlainError(f"{name} is not a regular file with one name")
        yield descriptor
    finally:
        os.close(descriptor)


def make_directory(parent: int, name: FileName, mode: int) -> None:
    """Make a directory with exactly this mode; one that is there stays as it is."""
    try:
        os.mkdir(name, mode=0o700, dir_fd=parent)
    except FileExistsError:
        return
    # By descriptor: by its name, the mode could be given to what somebody has put in its place.
    with opened_directory(parent, name) as descriptor:
        os.fchmod(descriptor, mode)


def facts_of(parent: int, name: FileName) -> os.stat_result | None:
    """Return what is known of an entry, of a link the link's own; None where there is none."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def names_in(directory: int) -> list[FileName]:
    """List the names in an open directory."""
    with os.scandir(directory) as entries:
        return [FileName(entry.name) for entry in entries]


def _open(parent: int, name: FileName, flags: int) -> int:
    try:
        return os.open(name, _FLAGS | flags, dir_fd=parent)
    except OSError as problem:
        if problem.errno in _NOT_PLAIN:
            raise NotPlainError(f"{name} is a link or a special file") from problem
        raise
