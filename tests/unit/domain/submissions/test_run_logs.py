import unicodedata
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.submissions.run_logs import MAX_LOG_BYTES, Tail, last_line, plain, tail


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("one\ntwo\n", "one\ntwo\n", id="lines"),
        pytest.param("a\tb Vlasák Ηράκλειο\n", "a\tb Vlasák Ηράκλειο\n", id="letters"),
        pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;a title\x07text", "text", id="title of a window"),
        pytest.param("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link", id="link"),
        pytest.param("10%\r20%\r\n", "10%\n20%\n", id="progress"),
        pytest.param("a\0b\x08c\x7fd\x9be", "abcde", id="control characters"),
        pytest.param("user\u202egnp.exe\u2066", "usergnp.exe", id="reversed text"),
        pytest.param("\x1b", "", id="escape alone"),
        pytest.param("<script>&amp;", "<script>&amp;", id="markup is for the page to escape"),
    ],
)
def test_only_letters_lines_and_tabs_are_left(text, kept):
    assert plain(text) == kept


def test_of_a_long_log_the_end_is_kept():
    text = "begin\n" + "x" * MAX_LOG_BYTES + "\nend\n"

    kept = tail(text)

    assert kept.truncated
    assert kept.text.endswith("xx\nend\n")
    assert len(kept.text) == MAX_LOG_BYTES


def test_a_log_that_fits_is_kept_whole():
    text = "x" * MAX_LOG_BYTES

    assert tail(text) == Tail(text=text, truncated=False)
    assert tail("") == Tail(text="", truncated=False)


def test_a_letter_that_the_cut_goes_through_is_left_out():
    assert tail("áé", longest=3) == Tail(text="é", truncated=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("first\nlast\n \n", "last"),
        ("FATAL: open /scratch/sealrun-t/a/b: no", "FATAL: open b: no"),
        ("in '/scratch/sealrun-t/a/' of /scratch/x", "in '' of x"),
        ("/usr/bin/env and /scratchfile", "/usr/bin/env and /scratchfile"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("x" * 400, "x" * 300 + "..."),
    ],
)
def test_of_what_a_build_wrote_people_get_the_last_line(text, said):
    assert last_line(text, [PurePath("/scratch")]) == said


@given(st.text(), st.integers(1, 50))
def test_what_is_kept_is_never_longer_than_it_may_be(text, longest):
    kept = tail(text, longest).text

    assert len(kept.encode()) <= longest
    assert not {unicodedata.category(c) for c in kept if c not in "\n\t"} & {"Cc", "Cf", "Cs"}
