"""What is allowed, and pointed out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from site_config.authoring.advice import advice
from site_config.bundle import read_bundle
from tests.unit.site_config.good_files import CHALLENGE

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _advised(directory: Path, text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    (directory / "challenge.yaml").write_text(text, encoding="utf-8")
    bundle = read_bundle(directory)
    return [
        (problem.key, problem.message)
        for problem in (
            bundle.document.problem(key, text) for key, text in advice(bundle.challenge, now)
        )
    ]


def test_a_column_without_bounds_is_all_that_there_is_to_say_of_a_good_challenge(
    tmp_path: Path,
) -> None:
    assert _advised(tmp_path, CHALLENGE) == [
        (
            "leaderboard.columns[1]",
            "'loss' has no 'min' and 'max': a score that cannot be right is taken",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("2027-01-31T23:59Z", "2026-12-02T00:00Z", "phases[0].end", "lies in the past"),
        ("    limits: {per_day: 5, total: 100, running: 1}\n", "", "phases[0]", "has no limits"),
        ("    sample: sample/\n", "", "phases[0]", "task 'cells' has no 'sample'"),
        ("  rule: best\n", "  rule: best\n  reveal: 2027-01-01T00:00Z\n", "leaderboard.reveal",
         "lies before the end of the last phase"),
        ("title: Loss, sort: asc", "title: Loss, sort: asc, private: true", "leaderboard",
         "has private columns and no 'reveal'"),
    ],
)  # fmt: skip
def test_what_people_have_regretted_is_pointed_out(
    tmp_path: Path, old: str, new: str, key: str, words: str
) -> None:
    assert old in CHALLENGE
    now = datetime(2026, 12, 3, tzinfo=UTC)

    found = _advised(tmp_path, CHALLENGE.replace(old, new), now)

    assert [message.startswith(words) for place, message in found if place == key] == [True]
