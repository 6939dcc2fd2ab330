"""The bundle to begin with is right, but for the images; and its scorer can be trusted."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from site_config.authoring.advice import advice
from site_config.authoring.starter import write_starter
from site_config.bundle import read_bundle
from site_config.errors import SettingsError

NOW = datetime(2026, 11, 30, 14, 29, tzinfo=UTC)
RIGHT = "id,value\nitem-3,6\nitem-1,3.5\nitem-2,4.5\n"


@pytest.fixture
def started(tmp_path: Path) -> Path:
    directory = tmp_path / "cells"
    write_starter(directory, slug="cells", title='Count: the "cells" # here', now=NOW)
    return directory


def test_only_the_images_are_missing(started: Path) -> None:
    bundle = read_bundle(started)

    assert [(problem.key, problem.line is not None) for problem in bundle.problems()] == [
        ("tasks.main.scorer.image", True),
        ("tasks.main.base.image", True),
    ]
    assert list(advice(bundle.challenge, NOW)) == []


def test_names_and_times_are_those_that_were_asked_for(started: Path) -> None:
    challenge = read_bundle(started).challenge

    [phase] = challenge.phases
    task = challenge.tasks["main"]
    assert (challenge.slug, challenge.title) == ("cells", 'Count: the "cells" # here')
    assert (task.input.data, task.truth.data) == ("cells-input", "cells-truth")
    assert (phase.start, phase.end - phase.start) == (
        datetime(2026, 12, 14, tzinfo=UTC),
        timedelta(days=60),
    )
    assert (started / "overview.md").read_text().startswith('# Count: the "cells" # here\n')


def test_programs_can_be_started_and_archives_are_not_for_git(started: Path) -> None:
    programs = [started / "scorer/score", started / "base/predict"]

    assert [program.stat().st_mode & 0o111 for program in programs] == [0o111, 0o111]
    assert (started / ".gitignore").read_text() == "*.tar\n"
    assert not (started / "gitignore").exists()
    schema = json.loads((started / "challenge.schema.json").read_text())
    assert schema["title"] == "Challenge"


@pytest.mark.parametrize("slug", ["Cells", "-cells", "cells_", "", "c" * 35, "a b", "../x"])
def test_a_slug_that_is_none_is_refused(tmp_path: Path, slug: str) -> None:
    with pytest.raises(SettingsError, match="slug: must be 1 to 34 of"):
        write_starter(tmp_path / "new", slug=slug, title="Title", now=NOW)

    assert not (tmp_path / "new").exists()


def test_the_longest_slug_is_taken(tmp_path: Path) -> None:
    write_starter(tmp_path / "new", slug="c" * 34, title="Title", now=NOW)

    assert read_bundle(tmp_path / "new").challenge.slug == "c" * 34


@pytest.mark.parametrize("kind", ["file", "full"])
def test_what_is_there_is_not_changed(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "there"
    if kind == "full":
        target.mkdir()
        (target / "mine").touch()
    else:
        target.write_text("mine")

    with pytest.raises(SettingsError, match="is there already"):
        write_starter(target, slug="cells", title="Title", now=NOW)

    assert [path.name for path in tmp_path.rglob("*")] == (
        ["there", "mine"] if kind == "full" else ["there"]
    )


def _scored(started: Path, place: Path, predictions: str | bytes | None) -> tuple[int, str]:
    ref, res = place / "input" / "ref", place / "input" / "res"
    for folder in (ref, res, place / "output"):
        folder.mkdir(parents=True)
    (ref / "truth.csv").write_bytes((started / "sample" / "truth.csv").read_bytes())
    if predictions is not None:
        content = predictions if isinstance(predictions, bytes) else predictions.encode()
        (res / "predictions.csv").write_bytes(content)
    argv = [sys.executable, started / "scorer" / "score", place]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr.strip()


@pytest.mark.parametrize(
    ("predictions", "scores"),
    [
        (RIGHT, {"mean_error": 0, "within_one": 1}),
        ("\ufeff" + RIGHT.replace("\n", "\r\n"), {"mean_error": 0, "within_one": 1}),
        (RIGHT.replace(",6", ",12"), {"mean_error": 2, "within_one": 2 / 3}),
    ],
    ids=["right", "as Excel writes it", "one wrong"],
)
def test_the_scorer_writes_the_scores_of_the_columns(
    started: Path, tmp_path: Path, predictions: str, scores: dict[str, float]
) -> None:
    assert _scored(started, tmp_path / "job", predictions) == (0, "")

    written = json.loads((tmp_path / "job" / "output" / "scores.json").read_text())
    assert written == pytest.approx(scores)
    columns = read_bundle(started).challenge.leaderboard.columns
    assert list(written) == [column.key for column in columns]


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (None, "is missing"),
        ("", "line 1"),
        ("id;value\n", "line 1"),
        (RIGHT.replace("item-3,6\n", ""), "2 of 3"),
        (RIGHT + "item-1,3\n", "line 5 names an item again"),
        (RIGHT.replace("item-1", "item-9"), "line 3 names an unknown item"),
        (RIGHT.replace("3.5", "nan"), "line 3 has a number that cannot be right"),
        (RIGHT.replace("3.5", "1e300"), "line 3 has a number that cannot be right"),
        (RIGHT.replace("3.5", "x"), "line 3 has no number"),
        (b"id,value\n\xff\xfe\n", "not UTF-8"),
        (b"0" * (10 * 2**20 + 1), "larger than"),
    ],
    ids=["none", "empty", "header", "too few", "twice", "unknown", "nan", "huge", "word", "bytes", "large"],
)  # fmt: skip
def test_output_that_breaks_the_rules_is_the_teams_fault(
    started: Path, tmp_path: Path, predictions: str | bytes | None, words: str
) -> None:
    code, said = _scored(started, tmp_path / "job", predictions)

    assert code == 65
    assert words in said
    assert not (tmp_path / "job" / "output" / "scores.json").exists()


def test_a_link_in_place_of_the_predictions_is_not_followed(started: Path, tmp_path: Path) -> None:
    place = tmp_path / "job"
    (place / "input" / "res").mkdir(parents=True)
    (place / "input" / "res" / "predictions.csv").symlink_to("../ref/truth.csv")
    for folder in (place / "input" / "ref", place / "output"):
        folder.mkdir()
    (place / "input" / "ref" / "truth.csv").write_text(RIGHT)

    argv = [sys.executable, started / "scorer" / "score", place]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)

    assert done.returncode == 65


def test_submitted_code_is_started_where_its_output_goes(started: Path, tmp_path: Path) -> None:
    script = (started / "base" / "predict").read_text()

    assert script.splitlines()[-1] == (
        'cd "$SEALRUN_OUTPUT" && exec python3 /submission/predict.py'
    )
