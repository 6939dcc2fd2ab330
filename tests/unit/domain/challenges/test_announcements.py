"""What an announcement may be."""

import pytest

from portal.domain.challenges.announcements import (
    MAX_A_DAY,
    check_pace,
    checked_text,
    checked_title,
    feed_id,
)
from portal.domain.errors import ParticipantError, QuotaExceededError


def test_a_title_is_one_line() -> None:
    assert checked_title("  More\r\n data\t ") == "More data"


@pytest.mark.parametrize("title", ["", " \n", "x" * 121, "a\x00b", "a\u202eb", "\ud800"])
def test_a_title_that_is_none_is_refused(title: str) -> None:
    with pytest.raises(ParticipantError) as refusal:
        checked_title(title)

    assert refusal.value.reason == "title"


def test_a_text_has_line_feeds_only() -> None:
    assert checked_text("\r\n# A\r\n\tb\rc\n\n") == "# A\n\tb\nc"


@pytest.mark.parametrize("text", ["", "\r\n", "x" * 16385, "é" * 8193, "a\x0bb", "\ud800"])
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParticipantError) as refusal:
        checked_text(text)

    assert refusal.value.reason == "text"


def test_the_longest_ones_are_taken() -> None:
    assert len(checked_title("é" * 120)) == 120
    assert len(checked_text("é" * 8192)) == 8192


def test_a_day_has_so_many() -> None:
    check_pace(MAX_A_DAY - 1)
    with pytest.raises(QuotaExceededError):
        check_pace(MAX_A_DAY)


def test_names_in_feeds_never_change() -> None:
    assert feed_id("1m86ejfdgcq5x2hvtdzt") == "urn:uuid:c0805fc2-74c5-5a34-b501-71127d5b5088"
    assert feed_id("1m86ejfdgcq5x2hvtdzt") != feed_id("1m86ejfdgcq5x2hvtdzs")
