"""Takes in the directory that a job has written, entry by entry and without trusting any.

Every step is taken relative to an open directory and never through a link, so that nothing outside
is read even if somebody still writes to the directory.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from portal.domain.failures import FailureReason
from portal.files.errors import BadOutput

DEPTH_LIMIT = 32
"""Directories that may lie inside each other."""

_CHUNK = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_DIRECTORY = _OPEN | os.O_DIRECTORY
_OWN_DOING = {errno.EACCES, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.EPERM}
"""What opening an entry can end with because of what the run made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSummary:
    """What a run has left."""

    files: int
    directories: int
    size: int
    """Bytes of all files together."""


def check_outputs(
    directory: Path, *, required: Iterable[str], max_bytes: int, max_files: int
) -> OutputSummary:
    """Look through all of ``directory``; raise ``BadOutput`` for what may not be in it.

    Only directories and regular files with one name are allowed. Files and directories together
    are at most ``max_files``, the files' sizes at most ``max_bytes``.
    """
    return _take(directory, None, required, _Tally(max_bytes, max_files))


def copy_outputs(
    directory: Path, target: Path, *, required: Iterable[str], max_bytes: int, max_files: int
) -> OutputSummary:
    """Check as ``check_outputs`` does and copy what passes to ``target``.

    ``target`` appears when it is complete, and then ``directory`` is no longer needed: repeating
    the call returns what is in ``target``. The copies belong to this process, with modes 0640 and
    0750. After an error there is no ``target``.
    """
    tally = _Tally(max_bytes, max_files)
    if target.exists():
        return _take(target, None, required, tally)
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o750)
    try:
        summary = _take(directory, part, required, tally)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(target)
    return summary


class _Tally:
    """Counts what was seen and refuses what is too much."""

    def __init__(self, max_bytes: int, max_files: int) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_files
        self.files: set[PurePosixPath] = set()
        self.directories = 0
        self.size = 0

    def directory(self) -> None:
        self.directories += 1
        self._check_entries()

    def file(self, name: PurePosixPath) -> None:
        self.files.add(name)
        self._check_entries()

    def add(self, size: int) -> None:
        self.size += size
        if self.size > self._max_bytes:
            raise _too_much(f"The output is larger than the {self._max_bytes} bytes allowed.")

    def _check_entries(self) -> None:
        if len(self.files) + self.directories > self._max_entries:
            raise _too_much(
                f"The output has more than the {self._max_entries} files and directories allowed."
            )


def _take(
    directory: Path, target: Path | None, required: Iterable[str], tally: _Tally
) -> OutputSummary:
    with _opened(directory, _OPEN_DIRECTORY, None) as descriptor:
        _walk(descriptor, PurePosixPath(), target, tally)
    for name in required:
        if PurePosixPath(name) not in tally.files:
            raise BadOutput(FailureReason.NO_OUTPUT, f"The run did not write '{name}' to /output.")
    return OutputSummary(files=len(tally.files), directories=tally.directories, size=tally.size)


def _walk(descriptor: int, here: PurePosixPath, target: Path | None, tally: _Tally) -> None:
    for name in _names(descriptor):
        inner = here / name
        mode = _mode(descriptor, name)
        if stat.S_ISDIR(mode):
            _directory(descriptor, inner, target, tally)
        elif stat.S_ISREG(mode):
            tally.file(inner)
            with _opened(name, _OPEN, descriptor) as child:
                _file(child, target / inner if target is not None else None, tally)
        else:
            raise _bad_entry(
                "The output holds a link, a pipe or another thing that is neither file nor"
                " directory."
            )


def _directory(descriptor: int, inner: PurePosixPath, target: Path | None, tally: _Tally) -> None:
    tally.directory()
    if len(inner.parts) > DEPTH_LIMIT:
        raise _too_much(f"The output has more than {DEPTH_LIMIT} directories inside each other.")
    if target is not None:
        (target / inner).mkdir(mode=0o750)
    with _opened(inner.name, _OPEN_DIRECTORY, descriptor) as child:
        _walk(child, inner, target, tally)


def _names(descriptor: int) -> Iterator[str]:
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if not entry.name.isprintable():  # undecodable bytes are not printable either
                raise _bad_entry(
                    "The output has a file name with control characters or not in UTF-8."
                )
            yield entry.name


def _mode(descriptor: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
    except OSError as error:
        _refuse(error)


def _file(descriptor: int, target: Path | None, tally: _Tally) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise _bad_entry("The output holds a file that has several names.")
    if target is None:
        tally.add(found.st_size)
        return
    with target.open("xb") as copy:
        os.fchmod(copy.fileno(), 0o640)
        while chunk := os.read(descriptor, _CHUNK):
            tally.add(len(chunk))
            copy.write(chunk)


@contextmanager
def _opened(path: Path | str, flags: int, directory: int | None) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags, dir_fd=directory)
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


def _bad_entry(sentence: str) -> BadOutput:
    return BadOutput(FailureReason.BAD_OUTPUT_ENTRY, sentence)


def _too_much(sentence: str) -> BadOutput:
    return BadOutput(FailureReason.OUTPUT_LIMIT, sentence)
