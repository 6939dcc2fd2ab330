"""Removing what a run left, and saying before what it was."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What lies in directories: one digest for all of it, and the bytes of its files."""

    sha256: str
    size: int


def content_of(paths: Sequence[Path]) -> Content:
    """Return the digest over names, sizes and digests of all plain files below, and their size.

    What is no plain file counts by its name only: it is never followed, opened or waited for.
    """
    whole, size = hashlib.sha256(), 0
    for file in sorted(_files(paths)):
        facts = file.lstat()
        digest = _digest(file) if stat.S_ISREG(facts.st_mode) else "-"
        size += facts.st_size if digest != "-" else 0
        name = os.fsencode(f"{file.parts[-2]}/{file.name}")
        whole.update(b"%b\0%d\0%b\n" % (name, facts.st_size, digest.encode()))
    return Content(sha256=whole.hexdigest(), size=size)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            if path.exists() or path.is_symlink():
                yield path
            continue
        for directory, _, names in os.walk(path, followlinks=False):
            yield from (Path(directory, name) for name in names)


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def remove(paths: Sequence[Path]) -> bool:
    """Remove files and whole directories; return whether nothing of them is left."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return not any(path.exists() or path.is_symlink() for path in paths)
