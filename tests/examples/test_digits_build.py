"""The build: the folders that a site needs, the same bytes each time, and a bundle that fits."""

import hashlib
import json
from pathlib import Path

from examples.digits.build import build
from examples.digits.rootfs import wanted
from site_config.bundle import load_challenge


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_target_has_all_folders_and_the_truth_in_one_of_them_only(built, parts):
    files = digests(built)
    truth = files["data/digits-truth/truth.csv"]

    assert sorted(path for path in files if not path.startswith("submissions/")) == [
        "challenge/base.tar",
        "challenge/baselines/knn.zip",
        "challenge/baselines/predictions.csv",
        "challenge/challenge.yaml",
        "challenge/evaluation.md",
        "challenge/overview.md",
        "challenge/sample/input/images.csv",
        "challenge/sample/truth/truth.csv",
        "challenge/samples/crash.zip",
        "challenge/samples/nan.csv",
        "challenge/scorer.tar",
        "challenge/terms.md",
        "data/digits-test/images.csv",
        "data/digits-truth/truth.csv",
        "public/predict.py",
        "public/sample/input/images.csv",
        "public/sample/truth/truth.csv",
        "public/train-truth.csv",
        "public/train.csv",
    ]
    assert [path for path, digest in files.items() if digest == truth] == [
        "data/digits-truth/truth.csv"
    ]


def test_no_public_file_holds_a_private_image(built, parts):
    private = {",".join(map(str, image.pixels)) for image in parts.test}
    public = [*(built / "public").rglob("*.csv"), *(built / "challenge").rglob("*.csv")]
    shown = {line.partition(",")[2] for path in public for line in path.read_text().splitlines()}

    assert private & shown == set()


def test_a_second_build_gives_the_same_bytes(built, cache, tmp_path):
    build(tmp_path, cache)

    assert digests(tmp_path) == digests(built)


def test_a_build_replaces_its_own_folders_and_leaves_others(built, cache, tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public/old.txt").touch()
    (tmp_path / "mine.txt").touch()

    build(tmp_path, cache)

    assert [(tmp_path / "public/old.txt").exists(), (tmp_path / "mine.txt").exists()] == [
        False,
        True,
    ]


def test_the_bundle_is_one_that_the_portal_reads(built):
    challenge = load_challenge(built / "challenge")

    assert (challenge.slug, list(challenge.tasks)) == ("digits", ["digits"])
    assert [(column.key, column.sort) for column in challenge.leaderboard.columns] == [
        ("accuracy", "desc"),
        ("macro_f1", "desc"),
        ("brier", "asc"),
    ]


def test_every_expected_score_lies_within_the_bounds_of_its_column(built):
    challenge = load_challenge(built / "challenge")
    expected = json.loads((built / "submissions/expected.json").read_text())

    assert [
        (name, column.key)
        for name, scores in expected.items()
        for column in challenge.leaderboard.columns
        if not column.min <= scores[column.key] <= column.max
    ] == []


def test_the_image_leaves_out_documentation_but_keeps_the_licences():
    names = [
        "usr/share/doc/python3/README.gz",
        "usr/share/doc/python3/copyright",
        "usr/share/man/man1/ls.1.gz",
        "usr/lib/python3/dist-packages/numpy/tests/test_x.py",
        "usr/lib/python3/dist-packages/numpy/linalg/linalg.py",
        "var/lib/dpkg/status",
        "var/tmp",
        "usr/bin/python3",
    ]

    assert [name for name in names if wanted(name)] == [
        "usr/share/doc/python3/copyright",
        "usr/lib/python3/dist-packages/numpy/linalg/linalg.py",
        "var/tmp",
        "usr/bin/python3",
    ]
