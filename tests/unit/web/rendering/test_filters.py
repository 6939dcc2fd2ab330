"""How values are written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal.web.rendering import filters

MOMENT = datetime(2026, 3, 9, 8, 7, 59, 999, tzinfo=UTC)


def test_moments_are_written_to_the_minute_in_utc() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert filters.moment(elsewhere) == "9 Mar 2026, 08:07 UTC"
    assert filters.machine_moment(elsewhere) == "2026-03-09T08:07Z"
    assert filters.day(elsewhere) == "9 Mar 2026"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"),
        (20 * 1024**3, "20 GiB"), (3 * 1024**5, "3072 TiB"),
    ],
)  # fmt: skip
def test_sizes_have_units(size: int, text: str) -> None:
    assert filters.file_size(size) == text


def test_memory_is_counted_in_mebibytes() -> None:
    assert filters.memory(32 * 1024) == "32 GiB"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(seconds=30), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(days=2, hours=1), "2 days 1 hour"),
    ],
)
def test_lengths_of_time_are_written_out(value: timedelta, text: str) -> None:
    assert filters.duration(value) == text


@pytest.mark.parametrize(
    ("gres", "text"),
    [
        (None, "none"), ("gpu", "1"), ("gpu:2", "2"), ("gpu:a100", "1 of type a100"),
        ("gpu:a100:4", "4 of type a100"), ("shard:3", "none"),
    ],
)  # fmt: skip
def test_gpus_are_read_from_slurms_word(gres: str | None, text: str) -> None:
    assert filters.gpus(gres) == text


def test_scores_have_all_digits_of_their_column() -> None:
    assert filters.score(0.9, 3) == "0.900"
    assert filters.score(12.0, 0) == "12"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 teams"), (1, "1 team"), (10_000, "10,000 teams")]
)
def test_numbers_come_with_their_noun(number: int, text: str) -> None:
    assert filters.counted(number, "team") == text


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert filters.counted(4, "person", "people") == "4 people"
