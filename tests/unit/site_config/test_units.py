from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_config.units import format_duration, format_size, parse_duration, parse_size

SIZE = "must be a size such as 500M or 2G (K, M, G and T are powers of 1024)"
DURATION = "must be a duration with its unit, such as 30s, 20m, 1h30m or 2d"


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("1K", 1024), ("500M", 524288000), ("2G", 2147483648), ("1T", 2**40)],
)
def test_a_size_is_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "G", "-1G", "1.5G", "1g", "1 G", "1GB", "1e3", "\u0661G", "1G\n", "9" * 13, 5, None],
)
def test_anything_else_is_no_size(text):
    with pytest.raises(ValueError) as caught:
        parse_size(text)

    assert str(caught.value) == SIZE


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("20m", timedelta(minutes=20)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("2d", timedelta(days=2)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_duration_is_read(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "30", "1:30", "1.5h", "-1h", "1m1h", "1 h", "h", "1H", "1h\n", "9999999s", 30, None],
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError) as caught:
        parse_duration(text)

    assert str(caught.value) == DURATION


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_a_written_size_is_read_back(size):
    assert parse_size(format_size(size)) == size


@given(st.integers(min_value=0, max_value=10**9))
def test_a_written_duration_is_read_back(seconds):
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@given(st.text())
def test_arbitrary_text_is_read_or_refused(text):
    for parse in (parse_size, parse_duration):
        with suppress(ValueError):
            parse(text)
