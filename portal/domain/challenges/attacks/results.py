"""Cheats of kind ``results``: nothing runs, so they are for the scorer alone."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator

from portal.domain.challenges.attacks.material import MIB, Attack, Material, best_scores, packed

MAX_EXAMPLE_BYTES = 8 * MIB
"""Of a file from which constant answers are made."""
_MAX_LINE = 4 * MIB
_DEPTH = 100_000
_MAX_LARGE = 64 * MIB


def results_attacks(material: Material) -> Iterator[Attack]:
    """Yield the cheats that there are for a task."""
    # What every file may have, with some to spare.
    room = material.max_bytes // max(1, len(material.required)) * 9 // 10

    def everywhere(content: bytes) -> bytes:
        return packed(dict.fromkeys(material.required, content))

    yield Attack(
        name="empty archive",
        about="An archive without any file.",
        content=packed({}),
        may_score=False,
    )
    yield Attack(
        name="empty files", about="All files that are asked for, empty.", content=everywhere(b"")
    )
    yield Attack(
        name="empty object",
        about="An empty JSON object in place of each file.",
        content=everywhere(b"{}\n"),
    )
    yield Attack(
        name="garbage",
        about="Random bytes under the right names.",
        content=everywhere(_garbage(min(64 * 1024, room))),
    )
    yield Attack(
        name="one long line",
        about="A single line that is as long as fits within the limits.",
        content=everywhere(b"9" * min(_MAX_LINE, room) + b"\n"),
    )
    yield Attack(
        name="deep nesting",
        about="Up to a hundred thousand lists within each other.",
        content=everywhere(b"[" * min(_DEPTH, room // 2) + b"]" * min(_DEPTH, room // 2)),
    )
    yield Attack(
        name="large output",
        about="As many lines of zeros as fit within the limits.",
        content=everywhere(b"0,0\n" * (min(_MAX_LARGE, room) // 4)),
    )
    yield Attack(
        name="forged scores",
        about="A scores.json with the best of all scores beside files without meaning.",
        content=packed(
            {
                **dict.fromkeys(material.required, b"0\n"),
                "scores.json": json.dumps(best_scores(material.columns)).encode(),
            }
        ),
    )
    if material.sample:
        yield Attack(
            name="copy of the sample",
            about="What the public sample gives to programs, submitted as their answer.",
            content=everywhere(material.sample),
        )
    yield from _of_an_example(material)


def _of_an_example(material: Material) -> Iterator[Attack]:
    """Yield answers of the right form that know nothing; without an example, of one column."""
    for name, about, value in (
        ("constant answer", "The same answer for everything, in the right form.", None),
        ("not numbers", "NaN for everything, in the right form.", "nan"),
    ):
        files = {
            path: _with_all_alike((material.example or {}).get(path, b""), value)
            for path in material.required
        }
        yield Attack(name=name, about=about, content=packed(files))


def _with_all_alike(example: bytes, value: str | None) -> bytes:
    """Return a table whose first column and heading are kept, and that says the same in every row."""
    plain = (value or "0").encode() + b"\n"
    if not example or len(example) > MAX_EXAMPLE_BYTES:
        return plain
    try:
        text = example.decode("utf-8-sig")
        rows = [*csv.reader(io.StringIO(text), delimiter=_delimiter(text))]
    except (UnicodeDecodeError, csv.Error):
        return plain
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        return plain
    said = rows[1][1:]

    def answer(row: list[str]) -> list[str]:
        return row[:1] + (said if value is None else [value] * (len(row) - 1))

    written = io.StringIO()
    writer = csv.writer(written, delimiter=_delimiter(text), lineterminator="\n")
    writer.writerows([rows[0], *map(answer, rows[1:])])
    return written.getvalue().encode()


def _delimiter(text: str) -> str:
    heading = text.partition("\n")[0]
    return max(",\t;", key=heading.count)


def _garbage(size: int) -> bytes:
    """Return bytes that look random and are the same each time."""
    return hashlib.shake_256(b"sealrun").digest(size)
