"""The one walker for trees that programs or participants made: it reads them within bounds, and removes any.

Every step is taken relative to an open directory, by a single name and never through a link, so that neither the
depth of a tree nor the length of a path in it nor what it is exchanged for meanwhile matters. Nothing recurses.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from secrets import token_hex

MAX_DEPTH = 32
"""Directories inside each other."""
MAX_PATH_BYTES = 1024
"""Bytes of a path below the top: what the storage puts in front of it has to fit into ``PATH_MAX``, too."""
MAX_ENTRIES = 1_000_000
"""Files and directories that are looked at."""
MAX_STEPS = 500_000
"""What one call removes or moves in order to remove it; who wants more calls again."""

OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""How a file of a foreign tree is opened: no link is followed, no pipe is waited for."""
_OPEN_DIRECTORY = OPEN_FILE | os.O_DIRECTORY
_OPEN_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_OWNER_ALL = 0o700


class Bound(StrEnum):
    """What a tree has too much of."""

    DEPTH = "depth"
    PATH = "path"
    ENTRIES = "entries"


class TreeBoundError(Exception):
    """A tree goes over a bound; ``bound`` says which."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(f"too much of: {bound}")
        self.bound = bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much of a tree is walked."""

    depth: int = MAX_DEPTH
    path_bytes: int = MAX_PATH_BYTES
    entries: int = MAX_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in a tree. ``parent`` is open until the next entry is asked for."""

    parent: int
    name: str
    path: PurePosixPath
    """From the top; its parts are names as ``os.fsdecode`` gives them."""
    facts: os.stat_result

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, which is entered next."""
        return stat.S_ISDIR(self.facts.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.facts.st_mode)


@contextmanager
def opened(path: Path | str, flags: int, parent: int | None = None) -> Iterator[int]:
    """Open by one name, relative to an open directory, and close at the end."""
    descriptor = os.open(path, flags, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def walk(top: Path, bounds: Bounds, *, unlock: bool = False) -> Iterator[Entry]:
    """Yield what is below ``top``, directories before what is in them, names in their order.

    With ``unlock``, directories that are closed to their owner are opened to it first. Raises ``TreeBoundError``
    at the first entry over a bound, and ``OSError`` for what cannot be opened.
    """
    trail: list[_Level] = []
    seen = 0
    try:
        trail.append(_Level(None, str(top), PurePosixPath(), bounds.entries, unlock=unlock))
        while trail:
            here = trail[-1]
            name = next(here.names, None)
            if name is None:
                os.close(trail.pop().descriptor)
                continue
            seen += 1
            entry = here.entry(name)
            _check(entry, seen, bounds)
            yield entry
            if entry.is_directory:
                left = bounds.entries - seen
                trail.append(_Level(here.descriptor, name, entry.path, left, unlock=unlock))
    finally:
        for level in trail:
            os.close(level.descriptor)


class _Level:
    """A directory that is being walked, with its names still to come."""

    def __init__(
        self, parent: int | None, name: str, path: PurePosixPath, left: int, *, unlock: bool
    ) -> None:
        if unlock:
            _unlock(name, parent)
        self.descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
        self._path = path
        try:
            self.names = iter(_names(self.descriptor, left))
        except BaseException:
            os.close(self.descriptor)
            raise

    def entry(self, name: str) -> Entry:
        facts = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        return Entry(parent=self.descriptor, name=name, path=self._path / name, facts=facts)


def _names(descriptor: int, left: int) -> list[str]:
    """Return the names in a directory in their order; not more than may be looked at."""
    names: list[str] = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if len(names) == left:
                raise TreeBoundError(Bound.ENTRIES)
            names.append(entry.name)
    return sorted(names)


def _check(entry: Entry, seen: int, bounds: Bounds) -> None:
    if seen > bounds.entries:
        raise TreeBoundError(Bound.ENTRIES)
    if len(os.fsencode(entry.path)) > bounds.path_bytes:
        raise TreeBoundError(Bound.PATH)
    if entry.is_directory and len(entry.path.parts) > bounds.depth:
        raise TreeBoundError(Bound.DEPTH)


def _unlock(name: str, parent: int | None) -> None:
    """Let the owner of a directory enter and change it."""
    # By a descriptor that needs no permission: a link in its place would be followed by chmod.
    with opened(name, _OPEN_PLACE, parent) as place:
        mode = os.fstat(place).st_mode
        if mode & _OWNER_ALL != _OWNER_ALL:
            os.chmod(f"/proc/self/fd/{place}", stat.S_IMODE(mode) | _OWNER_ALL)  # noqa: PTH101


def remove(paths: Sequence[Path], *, max_steps: int = MAX_STEPS) -> bool:
    """Remove files and whole directories; return whether nothing of them is left.

    After ``max_steps`` removals and moves the rest is left to further calls, so that no call is endless.
    """
    budget = _Budget(max_steps)
    for path in paths:
        _remove(path, budget)
    return not any(os.path.lexists(path) for path in paths)


@dataclass(slots=True)
class _Budget:
    """How many steps may still be taken; each is another number, too."""

    left: int


def _remove(path: Path, budget: _Budget) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
        with suppress(OSError):
            _unlock(str(path), None)
            with opened(path, _OPEN_DIRECTORY) as top:
                _empty(top, budget)
            path.rmdir()


def _empty(top: int, budget: _Budget) -> None:
    """Remove all that is in a directory, in linear time and with two open directories at most.

    What lies deeper is moved up: a directory gives its own directories to the top and can go then. So however
    deep a tree is, everything is done at the top or one step below it.
    """
    word = token_hex(8)
    device = os.fstat(top).st_dev

    def take_apart(name: str) -> None:
        _take_apart(top, name, device, budget, word)

    _sweep(top, budget, take_apart)


def _sweep(directory: int, budget: _Budget, deeper: Callable[[str], None]) -> None:
    """Remove what is in a directory, its directories by ``deeper``, until nothing more of it goes."""
    before = budget.left + 1
    while 0 < budget.left < before:
        before = budget.left
        with os.scandir(directory) as entries:
            for entry in entries:
                if budget.left <= 0:
                    return
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        deeper(entry.name)
                    else:
                        os.unlink(entry.name, dir_fd=directory)
                    budget.left -= 1


def _take_apart(top: int, name: str, device: int, budget: _Budget, word: str) -> None:
    """Remove a directory at the top, after its directories were moved there."""
    try:
        os.rmdir(name, dir_fd=top)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.EACCES}:
            raise
    else:
        return
    _unlock(name, top)
    with opened(name, _OPEN_DIRECTORY, top) as here:
        if os.fstat(here).st_dev != device:
            raise OSError(errno.EXDEV, "a file system is mounted there")

        def move_up(inner: str) -> None:
            # To be moved a directory has to be writable itself, since its `..` changes.
            _unlock(inner, here)
            os.rename(inner, f"{word}-{budget.left}", src_dir_fd=here, dst_dir_fd=top)

        _sweep(here, budget, move_up)
    os.rmdir(name, dir_fd=top)
