"""What a cheat is made of, and what it is."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.domain.leaderboards.scores import Column, Sort

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is known of a task to whoever wants to cheat."""

    required: Sequence[str]
    """The files that an output has to hold."""
    max_bytes: int
    """Of an output."""
    columns: Sequence[Column]
    sample: bytes = b""
    """The beginning of the first file of the public sample's input; empty without a sample."""
    example: Mapping[str, bytes] | None = None
    """An output of the right form, by its files: that of a baseline of kind results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A cheat, ready to be submitted."""

    name: str
    about: str
    """What it tries, in a sentence."""
    content: bytes
    """A zip."""
    may_score: bool = True
    """Whether it can end with a score at all."""
    is_long: bool = False
    """Whether it takes a whole time limit, or writes a whole output."""


def best_scores(columns: Sequence[Column]) -> dict[str, float]:
    """Return the scores that somebody would give themselves."""
    return {column.key: _best(column) for column in columns}


def _best(column: Column) -> float:
    if column.sort is Sort.DESCENDING:
        return 1e9 if column.maximum is None else column.maximum
    return -1e9 if column.minimum is None else column.minimum


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files; the same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            # Without a moment of its own it has that of 1980.
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
