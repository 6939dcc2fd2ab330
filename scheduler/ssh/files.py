"""Carry files to and from a login node by SFTP, where it shares no directory with this machine."""

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from secrets import token_hex

import paramiko

from scheduler.files import FetchLimits
from scheduler.ssh.transport import SshTransport

TIMEOUT = timedelta(minutes=30)
"""How long one call may take: uploads and weights are large."""
DEPTH = 40
"""Directories inside each other that are carried over."""
MAX_PATH_BYTES = 1200
"""Bytes of a path in a directory that are carried over. Both are more than readers of outputs let pass."""
MAX_STEPS = 100_000
"""What one call removes there, or moves in order to remove it."""

_FETCHED = ".fetched"
_PART = re.compile(r"\..+\.[0-9]+\.part")
_CHUNK = 256 * 1024
_REFUSED = "\x01"
"""What an entry is called here whose name cannot be taken: no reader of outputs lets it pass."""


class SftpFiles:
    """The files of a login node, through the connection of a transport."""

    is_shared = False

    def __init__(self, transport: SshTransport, *, timeout: timedelta = TIMEOUT) -> None:
        self._transport = transport
        self._timeout = timeout

    def put(self, path: Path) -> None:
        """Send a file or a directory: each file under another name first, then renamed."""
        with self._transport.sftp(timeout=self._timeout) as there:
            _make_folders(there, path.parent)
            _sweep(there, path.parent, self._timeout)
            _put(there, path)

    def get(self, directory: Path, limits: FetchLimits) -> None:
        """Fetch a directory entry by entry, never through a link."""
        mark = directory / _FETCHED
        if mark.exists():
            return
        with self._transport.sftp(timeout=self._timeout) as there:
            tally = _Tally(limits)
            for entry in _entries(there, directory):
                if entry.filename not in limits.leave:
                    _get(there, directory, entry, tally, top=directory)
        if limits.last and (directory / limits.last).is_file():
            mark.touch()

    def make_once(self, directory: Path, mode: int) -> int | None:
        """Make the directory there; OpenSSH's server does it in one step."""
        with self._transport.sftp(timeout=self._timeout) as there:
            _make_folders(there, directory.parent)
            try:
                there.mkdir(str(directory), mode)
            except OSError:
                return there.lstat(str(directory)).st_mode or 0
            return None

    def keep(self, made: Path, final: Path) -> int:
        """Rename the file there."""
        with self._transport.sftp(timeout=self._timeout) as there:
            _make_folders(there, final.parent)
            with contextlib.suppress(FileNotFoundError):
                there.lstat(str(made))
                there.chmod(str(made), 0o440)
                there.posix_rename(str(made), str(final))
            return there.lstat(str(final)).st_size or 0

    def remove(self, paths: Sequence[Path]) -> bool:
        """Remove files and whole directories there."""
        with self._transport.sftp(timeout=self._timeout) as there:
            for path in paths:
                _remove(there, path)
            return not any(_facts(there, path) for path in paths)


@dataclass(slots=True)
class _Tally:
    """What was carried over so far."""

    limits: FetchLimits
    size: int = 0
    entries: int = 0

    @property
    def is_full(self) -> bool:
        return self.entries > self.limits.entries or self.size > self.limits.bytes


def _sweep(there: paramiko.SFTPClient, folder: Path, timeout: timedelta) -> None:
    """Remove what others began to send and did not finish: no call lasts so long, so that nobody is at it."""
    oldest = time.time() - 2 * timeout.total_seconds()
    for entry in _entries(there, folder):
        name = str(entry.filename)
        if _PART.fullmatch(name) and (entry.st_mtime or 0) < oldest:
            _remove(there, folder / name)


def _put(there: paramiko.SFTPClient, path: Path) -> None:
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode):
        _make_folders(there, path)
        for inner in sorted(path.iterdir()):
            _put(there, inner)
        return
    if not stat.S_ISREG(facts.st_mode):
        return
    found = _facts(there, path)
    if found and (found.st_size, found.st_mtime) == (facts.st_size, int(facts.st_mtime)):
        return
    part = str(path.with_name(f".{path.name}.{os.getpid()}.part"))
    there.put(str(path), part, confirm=True)
    there.chmod(part, stat.S_IMODE(facts.st_mode))
    there.utime(part, (facts.st_mtime, facts.st_mtime))
    there.posix_rename(part, str(path))


def _make_folders(there: paramiko.SFTPClient, folder: Path) -> None:
    """Make a directory and those above it, closed to everybody else."""
    missing: list[Path] = []
    for one in (folder, *folder.parents):
        if _facts(there, one):
            break
        missing.append(one)
    for one in reversed(missing):
        # Somebody else may have made it meanwhile.
        with contextlib.suppress(OSError):
            there.mkdir(str(one), 0o700)


def _entries(there: paramiko.SFTPClient, directory: Path) -> Iterator[paramiko.SFTPAttributes]:
    """Yield what is in a directory; nothing where it cannot be read."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        yield from there.listdir_attr(str(directory))


def _get(
    there: paramiko.SFTPClient,
    directory: Path,
    entry: paramiko.SFTPAttributes,
    tally: _Tally,
    *,
    top: Path,
) -> None:
    if tally.is_full:
        return
    tally.entries += 1
    name, mode = entry.filename, entry.st_mode or 0
    if not isinstance(name, str) or PurePosixPath(name).name != name or name in {".", ".."}:
        (directory / _REFUSED).touch()
        return
    here = directory / name
    inner = here.relative_to(top)
    if len(os.fsencode(inner)) > MAX_PATH_BYTES:
        (directory / _REFUSED).touch()
    elif stat.S_ISDIR(mode) and len(inner.parts) <= DEPTH:
        here.mkdir(mode=0o700, exist_ok=True)
        for below in _entries(there, here):
            _get(there, here, below, tally, top=top)
    elif stat.S_ISREG(mode):
        _fetch(there, here, tally)
    else:
        _refuse(here)


def _fetch(there: paramiko.SFTPClient, here: Path, tally: _Tally) -> None:
    """Read one file, at most one byte more than what is left of the limit."""
    part = here.with_name(f".{here.name}.fetched")
    try:
        with there.open(str(here), "rb") as source, part.open("wb") as copy:
            while chunk := source.read(min(_CHUNK, tally.limits.bytes - tally.size + 1)):
                copy.write(chunk)
                tally.size += len(chunk)
                if tally.size > tally.limits.bytes:
                    break
    except (FileNotFoundError, PermissionError):
        # Gone meanwhile, or closed to its own account: whoever judges refuses it.
        part.unlink(missing_ok=True)
        _refuse(here)
        return
    part.chmod(0o600)
    part.replace(here)


def _refuse(here: Path) -> None:
    with contextlib.suppress(FileExistsError):
        here.symlink_to("refused")


def _remove(there: paramiko.SFTPClient, path: Path) -> None:
    """Remove a file, or a directory however deep it is: what lies deeper is moved up to it first."""
    facts = _facts(there, path)
    if facts is None:
        return
    steps = iter(range(MAX_STEPS))
    with contextlib.suppress(FileNotFoundError, PermissionError):
        if not stat.S_ISDIR(facts.st_mode or 0):
            there.remove(str(path))
            return
        there.chmod(str(path), 0o700)
        word = token_hex(8)

        def take_apart(one: Path) -> None:
            there.chmod(str(one), 0o700)
            _empty(
                there,
                one,
                steps,
                lambda inner: _move_up(there, inner, path / f"{word}-{next(steps)}"),
            )
            there.rmdir(str(one))

        _empty(there, path, steps, take_apart)
        there.rmdir(str(path))


def _move_up(there: paramiko.SFTPClient, inner: Path, target: Path) -> None:
    # To be moved a directory has to be writable itself, since its `..` changes.
    there.chmod(str(inner), 0o700)
    there.posix_rename(str(inner), str(target))


def _empty(
    there: paramiko.SFTPClient,
    directory: Path,
    steps: Iterator[int],
    deeper: Callable[[Path], None],
) -> None:
    """Remove what is in a directory, its directories by ``deeper``, until nothing more of it goes."""
    went = True
    while went:
        went = False
        for entry in _entries(there, directory):
            if next(steps, None) is None:
                return
            one = directory / str(entry.filename)
            # What does not go is seen by whoever looks whether all has gone.
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if stat.S_ISDIR(entry.st_mode or 0):
                    deeper(one)
                else:
                    there.remove(str(one))
                went = True


def _facts(there: paramiko.SFTPClient, path: Path) -> paramiko.SFTPAttributes | None:
    try:
        return there.lstat(str(path))
    except FileNotFoundError:
        return None
