"""What the submit form means."""

import pytest

from portal.domain.submissions.limits import SubmissionKind
from portal.web.uploads.submit_form import MESSAGES, Filled, SubmitInput, read_input

GOOD = {"phase": "dev", "kind": "code"}


def test_a_good_form_is_read() -> None:
    read = read_input(GOOD | {"note": " one\r\ntwo\x00\x1b[31m ", "unknown": "ignored"})

    assert read == SubmitInput(phase="dev", kind=SubmissionKind.CODE, note="one\ntwo[31m")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"phase": ""}, ["phase"]),
        ({"phase": "p" * 61}, ["phase"]),
        ({"kind": "other"}, ["kind"]),
        ({"note": "n" * 501}, ["note"]),
        ({"phase": "", "kind": "", "note": "n" * 501}, ["phase", "kind", "note"]),
    ],
)
def test_each_wrong_field_has_its_sentence(change: dict[str, str], wrong: list[str]) -> None:
    assert read_input(GOOD | change) == {name: MESSAGES[name] for name in wrong}


def test_missing_fields_are_wrong() -> None:
    assert read_input({}) == {name: MESSAGES[name] for name in ("phase", "kind")}


def test_what_was_written_is_kept() -> None:
    filled = Filled(values={"note": "kept"}, errors={"kind": "Choose."})

    assert (filled.value("note"), filled.value("phase")) == ("kept", "")
    assert (filled.error("kind"), filled.error("note")) == ("Choose.", "")
