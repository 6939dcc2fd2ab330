"""What becomes of a revision: every pair of states, and how two revisions differ."""

from itertools import product

import pytest

from portal.domain.challenges.revisions import (
    MAX_COMPARED_LINES,
    MAX_DIFF_LINES,
    BundleFile,
    RevisionState,
    check_revision_step,
    file_changes,
    text_changes,
)
from portal.domain.errors import ParticipantError

P, R, A, D = RevisionState
ALLOWED = {(P, R), (P, A), (P, D), (R, P), (R, A), (R, D)}


@pytest.mark.parametrize(("now", "wanted"), list(product(RevisionState, repeat=2)))
def test_every_step_is_allowed_or_refused(now: RevisionState, wanted: RevisionState) -> None:
    if (now, wanted) in ALLOWED:
        check_revision_step(now, wanted)
        return
    with pytest.raises(ParticipantError, match="cannot become") as refused:
        check_revision_step(now, wanted)
    assert refused.value.reason == "state"


def test_only_what_is_neither_applied_nor_dropped_is_open() -> None:
    assert {state for state in RevisionState if state.is_open} == {P, R}


def test_files_differ_by_their_digest_and_kind() -> None:
    one, other = BundleFile(sha256="1", size=1), BundleFile(sha256="2", size=1)
    folder = BundleFile(sha256="1", size=1, is_directory=True)

    found = file_changes(
        {"a": one, "b": one, "c": one, "e": one}, {"a": one, "b": other, "d": one, "e": folder}
    )

    assert [(change.path, change.before, change.now) for change in found] == [
        ("b", one, other), ("c", one, None), ("d", None, one), ("e", one, folder),
    ]  # fmt: skip


def test_a_difference_is_bounded() -> None:
    assert len(text_changes("", "line\n" * MAX_COMPARED_LINES, "a")) == MAX_DIFF_LINES
    assert text_changes("same", "same", "a") == ()


def test_long_texts_are_not_compared_line_by_line() -> None:
    same = "line\n" * (MAX_COMPARED_LINES + 1)

    assert text_changes(same, same, "a") == ()
    assert text_changes(same, "line\n", "a.md") == (
        "--- a/a.md", "+++ b/a.md", "@@ 2001 and 1 lines: too long to be compared @@",
    )  # fmt: skip
