"""The files to submit: honest ones earn what expected.json says, bad ones do what they are named for.

The programs run here on this machine, without a container: what is tested is the programs. What the
container does to them is tested on the practice site.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from examples.digits import app_images, example_submissions

BASE = app_images.SOURCES / "base/app/predict"


class Job:
    """The folders of a predict job, and a way to run a program in them."""

    def __init__(self, root: Path, images: Path) -> None:
        self.output, self.submission = root / "output", root / "submission"
        self.output.mkdir()
        self.submission.mkdir()
        self._images = images

    def run(self, program: Path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.defpath,
            "SEALRUN_INPUT": str(self._images),
            "SEALRUN_OUTPUT": str(self.output),
            "SEALRUN_SUBMISSION": str(self.submission),
        }
        return subprocess.run(
            [sys.executable, program],
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
            env=environment,
        )

    def run_code(self, archive: Path) -> subprocess.CompletedProcess[str]:
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                (self.submission / name).write_bytes(files.read(name))
        return self.run(BASE)


@pytest.fixture
def job(tmp_path, built) -> Job:
    return Job(tmp_path, built / "data/digits-test")


@pytest.fixture
def submissions(built) -> Path:
    return built / "submissions"


@pytest.fixture
def expected(submissions) -> dict[str, dict[str, float]]:
    return json.loads((submissions / "expected.json").read_text())


@pytest.fixture
def earned(scoring, built):
    """Score a predictions file and return the scores, or the scorer's refusal."""

    def score(predictions: Path):
        shutil.copy(built / "data/digits-truth/truth.csv", scoring.truth)
        shutil.copy(predictions, scoring.predictions)
        done = scoring.run()
        scores = scoring.output / "scores.json"
        return json.loads(scores.read_text()) if scores.exists() else done.stderr

    return score


def test_the_expected_scores_are_those_that_the_pages_and_tests_speak_of(expected):
    assert expected == {
        "knn.zip": {"accuracy": 0.9825, "macro_f1": 0.983292, "brier": 0.011391},
        "centroid.tar": {"accuracy": 0.9075, "macro_f1": 0.907432, "brier": 0.138156},
        "predictions.csv": {"accuracy": 0.7475, "macro_f1": 0.736796, "brier": 0.176968},
        "forged_score.zip": {"accuracy": 0.0725, "macro_f1": 0.01352, "brier": 0.25},
        "inspector.zip": {"accuracy": 0.0725, "macro_f1": 0.01352, "brier": 0.25},
    }


def test_the_results_file_earns_its_scores(submissions, expected, earned):
    assert earned(submissions / "predictions.csv") == expected["predictions.csv"]


def test_the_image_earns_its_scores(job, submissions, expected, earned):
    with tarfile.open(submissions / "centroid.tar") as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))
        upper = io.BytesIO(archive.extractfile(manifest["Layers"][-1]).read())
    with tarfile.open(fileobj=upper) as layer:
        for name in ("predict", "centroids.csv"):
            content = layer.extractfile(f"app/{name}").read()
            (job.submission / name).write_bytes(content)

    done = job.run(job.submission / "predict")

    assert (done.returncode, done.stderr) == (0, "")
    assert earned(job.output / "predictions.csv") == expected["centroid.tar"]


def test_a_forged_score_file_lies_beside_predictions_that_earn_little(
    job, submissions, expected, earned
):
    done = job.run_code(submissions / "forged_score.zip")

    forged = json.loads((job.output / "scores.json").read_text())
    assert (done.returncode, forged["accuracy"]) == (0, 1.0)
    assert earned(job.output / "predictions.csv") == expected["forged_score.zip"]


def test_there_is_a_file_for_every_bad_submission_and_every_honest_one(submissions, expected):
    names = {path.name for path in submissions.iterdir()} - {"expected.json", "bad.json"}

    assert names == {*expected, *example_submissions.BAD}
    assert json.loads((submissions / "bad.json").read_text()) == example_submissions.BAD


def test_nan_in_predictions_is_refused(submissions, earned):
    assert earned(submissions / "nan.csv").startswith("line 2 of predictions.csv is not")


def test_nan_by_code_is_refused(job, submissions, earned):
    assert job.run_code(submissions / "nan_confidence.zip").returncode == 0
    assert earned(job.output / "predictions.csv").startswith("line 2 of predictions.csv is not")


def test_the_crash_has_its_exit_code_and_predictions_that_must_not_count(job, submissions):
    done = job.run_code(submissions / "crash.zip")

    assert (done.returncode, done.stderr) == (3, "this program gives up on purpose\n")
    assert (job.output / "predictions.csv").exists()


def test_no_output_ends_well_with_another_file(job, submissions):
    done = job.run_code(submissions / "no_output.zip")

    assert done.returncode == 0
    assert [path.name for path in job.output.iterdir()] == ["prediction.csv"]


def test_the_flood_is_larger_than_the_output_may_be(job, submissions):
    done = job.run_code(submissions / "flood.zip")

    assert done.returncode == 0
    assert sum(path.stat().st_size for path in job.output.iterdir()) > 64 * 1024**2


def test_many_files_are_more_than_the_output_may_have(job, submissions):
    done = job.run_code(submissions / "many_files.zip")

    assert (done.returncode, len(list(job.output.iterdir()))) == (0, 201)


def test_an_attack_that_works_submits_predictions_that_are_scored(job, submissions, earned):
    """Nothing seals the input here, so writing to it works: the test of a site would see that."""
    images = job.output.parent / "images"
    shutil.copytree(job._images, images)
    job._images = images

    done = job.run_code(submissions / "write_input.zip")

    assert (done.returncode, (images / "new.txt").read_text()) == (0, "changed\n")


def test_the_base_image_says_that_the_program_is_missing(job):
    done = job.run(BASE)

    assert (done.returncode, done.stderr) == (
        66,
        "predict.py is not at the top of your submission; add it.\n",
    )


def test_the_base_image_says_that_the_program_lies_in_a_folder(job):
    (job.submission / "mine").mkdir()
    (job.submission / "mine/predict.py").touch()

    done = job.run(BASE)

    advice = "it lies in a folder: pack its contents, not the folder"
    assert (done.returncode, done.stderr) == (
        66,
        f"predict.py is not at the top of your submission; {advice}.\n",
    )


def test_the_base_image_tells_a_signal_from_an_exit_code(job):
    (job.submission / "predict.py").write_text("import os\nos.kill(os.getpid(), 9)\n")

    done = job.run(BASE)

    assert (done.returncode, done.stderr) == (137, "predict.py was ended by signal 9.\n")
