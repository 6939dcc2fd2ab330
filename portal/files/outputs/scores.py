"""The strict reader of a scorer's ``scores.json``.

What the scorer writes depends on what a participant's program wrote, so nothing here is trusted:
neither that it is a file, nor its size, nor that JSON's numbers are numbers.
"""

import json
import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.files.errors import BadScoreFileError, shown

SIZE_LIMIT = 64 * 1024
"""Bytes that a score file may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreColumn:
    """A score that the challenge declares; the bounds are inclusive."""

    key: str
    minimum: float | None = None
    maximum: float | None = None


def read_scores(path: Path, columns: Sequence[ScoreColumn]) -> dict[str, float]:
    """Return one finite score for each column, in their order; raise ``BadScoreFileError`` otherwise."""
    found = _parse(_read(path))
    declared = {column.key for column in columns}
    for key in found:
        if key not in declared:
            raise BadScoreFileError(
                "unknown_key", f"The score file has the undeclared key {shown(key)}."
            )
    return {column.key: _score(found, column) for column in columns}


def _read(path: Path) -> str:
    try:
        # O_NONBLOCK: opening a FIFO would otherwise wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise BadScoreFileError("missing", "The scorer wrote no score file.") from error
    except OSError as error:
        raise BadScoreFileError("not_a_file", "The score file cannot be opened.") from error
    try:
        data = _content(descriptor)
    finally:
        os.close(descriptor)
    if len(data) > SIZE_LIMIT:
        limit = SIZE_LIMIT // 1024
        raise BadScoreFileError("too_large", f"The score file is larger than {limit} KiB.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadScoreFileError("not_json", "The score file is not UTF-8 text.") from error


def _content(descriptor: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise BadScoreFileError("not_a_file", "The score file is not a plain file with one name.")
    with os.fdopen(descriptor, "rb", closefd=False) as stream:
        return stream.read(SIZE_LIMIT + 1)


def _parse(text: str) -> dict[str, object]:
    try:
        found = json.loads(
            text, object_pairs_hook=_distinct, parse_int=float, parse_constant=_constant
        )
    except (ValueError, RecursionError) as error:
        raise BadScoreFileError("not_json", "The score file is not a JSON object.") from error
    if not isinstance(found, dict):
        raise BadScoreFileError("not_json", "The score file is not a JSON object.")
    return found


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Two readers may take different ones of two equal keys; so nobody takes either.
    values = dict(pairs)
    if len(values) < len(pairs):
        raise BadScoreFileError("duplicate_key", "The score file has a key twice.")
    return values


def _constant(word: str) -> object:
    raise BadScoreFileError("not_finite", f"The score file has {word}, which is not a score.")


def _score(found: dict[str, object], column: ScoreColumn) -> float:
    if column.key not in found:
        raise BadScoreFileError("missing_key", f"The score file lacks the key '{column.key}'.")
    score = found[column.key]
    if not isinstance(score, float):  # integers were parsed as float, so bool is out as well
        raise BadScoreFileError("not_a_number", f"The score '{column.key}' is not a number.")
    if not math.isfinite(score):
        raise BadScoreFileError(
            "not_finite", f"The score '{column.key}' is too large to be a number."
        )
    low, high = column.minimum, column.maximum
    if (low is not None and score < low) or (high is not None and score > high):
        raise BadScoreFileError("out_of_bounds", f"The score '{column.key}' is outside its bounds.")
    return score
