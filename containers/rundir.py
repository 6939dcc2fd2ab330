"""Read back what a script left in its run directory, and give up on one that never ran.

A hostile container writes only below ``output/``; still, everything here is read as if it were
hostile: only regular files with one link, never through a symbolic link, and never without a limit.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.interface import LOG_LIMIT, StopReason
from containers.probe import ProbeUnreadableError, parse_probe

LEFT_OUT = "\n[... the middle was left out ...]\n"
"""Stands where a log was too long to be kept whole."""

_WORD_LIMIT = 256
_VERSIONS_LIMIT = 4096
_STRANGE = frozenset({errno.ELOOP, errno.ENXIO, errno.ENOTDIR})
_EXIT = re.compile(r"[0-9]{1,3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEASURED = re.compile(r"([0-9a-f]{64}) ([0-9]{1,12}) ([0-9]{1,18})")
_CHECKED = re.compile(r"(probe|image|base) [0-9a-f]{64} [0-9a-f]{64} (computed|known)")
_CHUNK = 1024 * 1024
# Two paths, of a link and where it leads.
_RECORD_LIMIT = 3 * 4096
_TOKEN_NAME = "token"  # noqa: S105 - the name of a file
# The script's own has 0700, since it writes its token into it.
_PORTALS_CLAIM = 0o500


class RunFileError(Exception):
    """A file of a run directory is not a plain, small file. Somebody tampered, or storage is ill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a script wrote down. Trust it only with ``done`` and a scheduler that says completed."""

    claimed: bool
    """Somebody holds the claim: the script, or the portal that gave up."""
    claim_token: str
    """The token that the script wrote into its claim; empty for the portal's own claim."""
    started: bool
    """There is a mark that the container was about to start: it may have read its input."""
    done: bool
    """The last mark is there and names exactly this attempt."""
    exit_code: int | None
    reason: StopReason | None
    probe: dict[str, Any]
    """The probe's report, as it wrote it; empty if there is none that can be read."""
    sealed: bool
    """The report can be read and shows nothing that a run may not have."""
    versions: dict[str, str]
    image_sha256: str | None
    data: tuple[str, ...] = ()
    """What the data looked like before the image started: a digest for each directory."""
    images_verified: dict[str, str] = field(default_factory=dict)
    """How the digest of ``probe``, ``image`` or ``base`` was found: ``computed`` in this job, or ``known``.

    Known is what was computed by an earlier job on the same node, of a file that has not changed since.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a data directory holds."""

    fingerprint: str
    """A digest of names, kinds, sizes and times."""
    files: int
    size: int
    """Bytes."""


def _make_once(directory: Path, mode: int) -> int | None:
    try:
        directory.mkdir(mode=mode)
    except FileExistsError:
        return directory.lstat().st_mode
    return None


def take_claim(directory: Path, make_once: Callable[[Path, int], int | None] = _make_once) -> bool:
    """Claim the run directory for the portal, which gives up on the attempt.

    True: the job of this directory can never run any more, also where the portal had the claim
    already. False: it has started, or has ended. ``make_once`` makes a directory where the job would
    make it, in one step, and returns None, or the mode of the one that is there.
    """
    # One step makes the claim and says whose it is: a worker that is killed here and started
    # again must not take its own claim for the job's.
    mode = make_once(directory / "claim", _PORTALS_CLAIM)
    return mode is None or not mode & stat.S_IWUSR


def read_run(directory: Path, token: str) -> RunRecord:
    """Read what the attempt ``token`` wrote. A missing file is no error, a strange one is.

    Raises RunFileError for links, special files, and files that are longer than they can be.
    """
    exit_code = _match(_EXIT, _word(directory, "exit"))
    probe, sealed = _probe(_text(_read(directory, "probe.json", LOG_LIMIT)))
    return RunRecord(
        claimed=_is_directory(directory / "claim"),
        claim_token=_word(directory / "claim", _TOKEN_NAME),
        started=_read(directory, "started", _WORD_LIMIT) is not None,
        done=_read(directory, "done", _WORD_LIMIT) == f"{token}\n".encode(),
        exit_code=None if exit_code is None else int(exit_code),
        reason=_reason(_word(directory, "reason")),
        probe=probe,
        sealed=sealed,
        versions=_versions(_text(_read(directory, "versions", _VERSIONS_LIMIT))),
        image_sha256=_match(_SHA256, _word(directory, "image.sha256")),
        data=tuple(_SHA256.findall(_text(_read(directory, "data", _VERSIONS_LIMIT)))),
        images_verified=_verified(_text(_read(directory, "image.check", _VERSIONS_LIMIT))),
    )


def has_started(directory: Path) -> bool:
    """Whether the image of an attempt was about to start, or did; also where nothing can be read."""
    try:
        return _read(directory, "started", _WORD_LIMIT) is not None
    except RunFileError:
        return True


def read_measured(directory: Path) -> Measured:
    """Read what a measurement found. Raises RunFileError where it is not what the script writes."""
    found = _MEASURED.fullmatch(_word(directory, "measured"))
    if found is None:
        raise RunFileError("no proper measurement")
    return Measured(fingerprint=found[1], files=int(found[2]), size=int(found[3]))


def records(manifest: Path) -> Iterator[bytes]:
    """Give the records of a manifest, in constant memory.

    Raises RunFileError for a link, for one that is cut, and for a record that is longer than it can be.
    """
    with _opened(str(manifest), os.O_NONBLOCK) as file:
        if file is None:
            raise RunFileError("no manifest")
        rest = b""
        while more := os.read(file, _CHUNK):
            *whole, rest = (rest + more).split(b"\0")
            yield from whole
            if len(rest) > _RECORD_LIMIT:
                raise RunFileError(f"a record of more than {_RECORD_LIMIT} bytes")
        if rest:
            raise RunFileError("the manifest is cut short")


def read_last_words(directory: Path) -> str:
    """Return the last line that a script itself wrote to its error output, printable and short."""
    lines = _text(_read(directory, "slurm.err", LOG_LIMIT)).strip().splitlines()
    return "".join(char for char in lines[-1] if char.isprintable())[:300] if lines else ""


def read_log(directory: Path, name: str) -> str:
    """Read ``stdout.log``, ``stderr.log`` or ``probe.log``; bytes that are no UTF-8 are replaced.

    Where the script has left out the middle, ``LEFT_OUT`` stands for it.
    """
    if name not in {"stdout.log", "stderr.log", "probe.log"}:
        raise ValueError(f"not a log of a run: {name!r}")
    content = _read(directory, name, LOG_LIMIT) or b""
    if len(content) < LOG_LIMIT:
        return _text(content)
    half = LOG_LIMIT // 2
    return _text(content[:half]) + LEFT_OUT + _text(content[half:])


def read_lock(directory: Path) -> str:
    """Read what a build installed from ``requirements.txt``; empty where it installed nothing."""
    return _text(_read(directory, "environment.lock", LOG_LIMIT))


def _reason(word: str) -> StopReason | None:
    if not word:
        return None
    try:
        return StopReason(word)
    except ValueError as error:
        raise RunFileError(f"an unknown reason: {word!r}") from error


def _probe(text: str) -> tuple[dict[str, Any], bool]:
    try:
        report = parse_probe(text)
    except ProbeUnreadableError:
        return {}, False
    return json.loads(text), report.is_sealed


def _versions(text: str) -> dict[str, str]:
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: value for name, space, value in pairs if space}


def _verified(text: str) -> dict[str, str]:
    found = map(_CHECKED.fullmatch, text.splitlines())
    return {one[1]: one[2] for one in found if one}


def _word(directory: Path, name: str) -> str:
    return _text(_read(directory, name, _WORD_LIMIT)).strip()


def _match(pattern: re.Pattern[str], word: str) -> str | None:
    return word if pattern.fullmatch(word) else None


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _read(directory: Path, name: str, limit: int) -> bytes | None:
    # The directory is opened by itself first, so that it cannot be a link to somewhere else either.
    with _opened(str(directory), os.O_DIRECTORY) as parent:
        if parent is None:
            return None
        with _opened(name, os.O_NONBLOCK, parent=parent) as file:
            return None if file is None else _content(file, name, limit)


@contextmanager
def _opened(name: str, flags: int, *, parent: int | None = None) -> Iterator[int | None]:
    """Open for reading, never through a link; None if there is no such thing."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOCTTY | flags, dir_fd=parent)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        if error.errno in _STRANGE:
            raise RunFileError(f"{name} is a link or a special file") from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _content(file: int, name: str, limit: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise RunFileError(f"{name} is not a regular file with one name")
    content = b""
    while len(content) <= limit and (more := os.read(file, limit + 1 - len(content))):
        content += more
    if len(content) > limit:
        raise RunFileError(f"{name} is longer than {limit} bytes")
    return content
