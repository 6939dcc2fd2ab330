"""Revisions of a challenge: what its bundle was, by whom, and what each changed."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.errors import ParticipantError

SETTINGS = "challenge.yaml"
MAX_DIFF_LINES = 2_000
"""Lines of a difference that a page shows; of more, the beginning."""

MAX_COMPARED_LINES = 2_000
"""Lines of a text that is compared line by line."""
MAX_MESSAGE_CHARS = 500
MAX_PROPOSALS = 20
"""Revisions of a challenge that are neither applied nor dropped: each keeps its files."""


class RevisionState(StrEnum):
    """What became of a revision."""

    PROPOSED = "proposed"  #: nothing of it holds yet
    IN_REVIEW = "in_review"  #: the same; the site is asked to approve what it runs
    APPLIED = "applied"
    DROPPED = "dropped"  #: its files are no longer kept

    @property
    def is_open(self) -> bool:
        """Whether it can still be applied."""
        return self in OPEN


OPEN = frozenset({RevisionState.PROPOSED, RevisionState.IN_REVIEW})

REVISION_TRANSITIONS: Mapping[RevisionState, frozenset[RevisionState]] = {
    RevisionState.PROPOSED: frozenset(
        {RevisionState.IN_REVIEW, RevisionState.APPLIED, RevisionState.DROPPED}
    ),
    RevisionState.IN_REVIEW: frozenset(
        {RevisionState.PROPOSED, RevisionState.APPLIED, RevisionState.DROPPED}
    ),
    RevisionState.APPLIED: frozenset(),
    RevisionState.DROPPED: frozenset(),
}
"""The steps that there are. An earlier revision is taken back by proposing the same again."""


def check_revision_step(now: RevisionState, wanted: RevisionState) -> None:
    """Refuse a step that there is not. Raises ``ParticipantError``."""
    if wanted not in REVISION_TRANSITIONS[now]:
        before, after = (state.replace("_", " ") for state in (now, wanted))
        raise ParticipantError(
            f"A revision that is {before} cannot become {after}.", reason="state"
        )


class Origin(StrEnum):
    """By which way a revision came."""

    COMMAND = "command"
    PAGE = "page"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """A file of a bundle, or a directory of which the store has a plain tar."""

    sha256: str
    size: int
    is_directory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What became of a file from one revision to the next: None where it was not, or no longer is."""

    path: str
    before: BundleFile | None
    now: BundleFile | None


def file_changes(
    before: Mapping[str, BundleFile], now: Mapping[str, BundleFile]
) -> tuple[FileChange, ...]:
    """Return which files differ, by their path."""
    return tuple(
        FileChange(path=path, before=before.get(path), now=now.get(path))
        for path in sorted({*before, *now})
        if before.get(path) != now.get(path)
    )


def text_changes(before: str, now: str, path: str) -> tuple[str, ...]:
    """Return the lines of a unified difference; empty where the texts are the same.

    What comparing costs can grow with the square of the lines, and anybody may have written them: of longer texts it
    is only said that they differ.
    """
    if before == now:
        return ()
    one, other = before.splitlines(), now.splitlines()
    head = (f"--- a/{path}", f"+++ b/{path}")
    if max(len(one), len(other)) > MAX_COMPARED_LINES:
        return (*head, f"@@ {len(one)} and {len(other)} lines: too long to be compared @@")
    lines = difflib.unified_diff(one, other, f"a/{path}", f"b/{path}", lineterm="")
    return tuple(line for line, _ in zip(lines, range(MAX_DIFF_LINES), strict=False))
