"""Copies the directory that a job has written, entry by entry and without trusting any.

Every step is taken relative to an open directory and never through a link, so that nothing outside
is read even if somebody still writes to the directory. What is wrong with it is the run's own failure.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from portal.domain.evaluations.failures import FailureReason
from portal.domain.printable import is_printable
from portal.files.atomic import become, beside
from portal.files.errors import BadOutputError
from portal.files.progress import advance
from portal.files.trees import (
    MAX_DEPTH,
    MAX_PATH_BYTES,
    OPEN_FILE,
    Bound,
    Bounds,
    Entry,
    TreeBoundError,
    walk,
)

_CHUNK = 1024 * 1024
_OWN_DOING = {errno.EACCES, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.EPERM}
"""What opening an entry can end with because of what the run made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSummary:
    """What a run has left."""

    files: int
    directories: int
    size: int
    """Bytes of all files together."""
    links: int = 0
    """Symbolic links, which were left out."""


def check_outputs(
    directory: Path, *, required: Iterable[str], max_bytes: int, max_files: int
) -> OutputSummary:
    """Look through all of ``directory``; raise ``BadOutputError`` for what may not be in it.

    Only directories and regular files with one name are allowed. Symbolic links are left out, as programs that
    keep notes of their runs make them; what is required may not be one. Files, directories and links together
    are at most ``max_files``, the files' sizes at most ``max_bytes``.
    """
    return _take(directory, None, required, _Tally(max_bytes, max_files))


def copy_outputs(
    directory: Path, target: Path, *, required: Iterable[str], max_bytes: int, max_files: int
) -> OutputSummary:
    """Check as ``check_outputs`` does and copy what passes to ``target``.

    ``target`` appears when it is complete, and then ``directory`` is no longer needed: repeating
    the call returns what is in ``target``. The copies belong to this process, with modes 0640 and
    0750. After an error there is no ``target``. Two may do it beside each other: what the first one
    has copied whole counts, and ``directory`` may be gone then before the other has read all of it.
    """
    if not target.exists():
        try:
            with beside(target) as part:
                summary = _take(directory, part, required, _Tally(max_bytes, max_files))
                become(part, target)
                return summary
        except (BadOutputError, OSError):
            if not target.exists():
                raise
    return _take(target, None, required, _Tally(max_bytes, max_files))


def _take(
    directory: Path, target: Path | None, required: Iterable[str], tally: "_Tally"
) -> OutputSummary:
    with _Copy(target) as copy:
        for entry in _entries(directory, tally.max_entries):
            _check_name(entry.name)
            if entry.is_directory:
                tally.directories += 1
                copy.directory(entry)
            elif entry.is_file:
                tally.files.add(str(entry.path))
                _file(entry, copy, tally)
            elif stat.S_ISLNK(entry.facts.st_mode):
                tally.links.add(str(entry.path))
            else:
                raise _bad_entry(
                    "The output holds a pipe or another thing that is neither file nor directory."
                )
    for name in required:
        if name in tally.links:
            raise _bad_entry(f"'{name}' is a symbolic link. Write the file itself.")
        if name not in tally.files:
            raise BadOutputError(
                FailureReason.NO_OUTPUT, f"The run did not write '{name}' to /output."
            )
    return OutputSummary(
        files=len(tally.files),
        directories=tally.directories,
        size=tally.size,
        links=len(tally.links),
    )


class _Tally:
    """Counts what was seen and refuses what is too much."""

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self._max_bytes = max_bytes
        self.max_entries = max_entries
        self.files: set[str] = set()
        self.links: set[str] = set()
        self.directories = 0
        self.size = 0

    def add(self, size: int) -> None:
        self.size += size
        if self.size > self._max_bytes:
            raise _too_much(f"The output is larger than the {self._max_bytes} bytes allowed.")


class _Copy:
    """Where the copies go: the open directories from the target down to the one that is written to."""

    def __init__(self, target: Path | None) -> None:
        self._trail: list[int] = []
        self._target = target

    def __enter__(self) -> Self:
        if self._target is not None:
            self._trail.append(os.open(self._target, os.O_RDONLY | os.O_DIRECTORY))
        return self

    def __exit__(self, *_: object) -> None:
        self._up_to(0)

    def directory(self, entry: Entry) -> None:
        """Make a directory and go into it."""
        if self._trail:
            self._up_to(len(entry.path.parts))
            os.mkdir(entry.name, 0o750, dir_fd=self._trail[-1])
            flags = os.O_RDONLY | os.O_DIRECTORY
            self._trail.append(os.open(entry.name, flags, dir_fd=self._trail[-1]))

    def file(self, entry: Entry) -> int | None:
        """Return a new file that the caller closes; None where nothing is copied."""
        if not self._trail:
            return None
        self._up_to(len(entry.path.parts))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.open(entry.name, flags, 0o640, dir_fd=self._trail[-1])

    def _up_to(self, length: int) -> None:
        while len(self._trail) > length:
            os.close(self._trail.pop())


def _entries(directory: Path, max_entries: int) -> Iterator[Entry]:
    """Walk an output; what is too much or closed is shown as the run's own doing."""
    walked = walk(directory, Bounds(entries=max_entries))
    while True:
        try:
            entry = next(walked, None)
        except TreeBoundError as error:
            raise _too_much(_BOUNDS[error.bound].format(max_entries=max_entries)) from None
        except OSError as error:
            _refuse(error)
        if entry is None:
            return
        yield entry


_BOUNDS = {
    Bound.DEPTH: f"The output has more than {MAX_DEPTH} directories inside each other.",
    Bound.PATH: f"The output has a path of more than {MAX_PATH_BYTES} bytes.",
    Bound.ENTRIES: "The output has more than the {max_entries} files and directories allowed.",
}


def _check_name(name: str) -> None:
    if not is_printable(name):  # undecodable bytes are not printable either
        raise _bad_entry("The output has a file name with control characters or not in UTF-8.")


def _file(entry: Entry, copy: _Copy, tally: _Tally) -> None:
    with _opened(entry) as source:
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise _bad_entry("The output holds a file that has several names.")
        target = copy.file(entry)
        if target is None:
            tally.add(found.st_size)
            return
        with os.fdopen(target, "wb") as stream:
            os.fchmod(target, 0o640)
            while chunk := os.read(source, _CHUNK):
                tally.add(len(chunk))
                advance(len(chunk))
                stream.write(chunk)


@contextmanager
def _opened(entry: Entry) -> Iterator[int]:
    try:
        descriptor = os.open(entry.name, OPEN_FILE, dir_fd=entry.parent)
    except OSError as error:
        _refuse(error)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse(error: OSError) -> NoReturn:
    if error.errno not in _OWN_DOING:
        raise error
    raise _bad_entry("The output has an entry that cannot be read.") from error


def _bad_entry(message: str) -> BadOutputError:
    return BadOutputError(FailureReason.BAD_OUTPUT_ENTRY, message)


def _too_much(message: str) -> BadOutputError:
    return BadOutputError(FailureReason.OUTPUT_LIMIT, message)
