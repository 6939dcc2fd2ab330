"""Files that are ready to submit: honest ones with their scores, bad ones with their reasons.

The kind of each follows from its name: ``.zip`` is code, ``.tar`` an image, ``.csv`` results.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from examples.digits import metrics, models
from examples.digits.app_images import write_app_image
from examples.digits.dataset import Split, images_csv, truth_csv

SOURCES = Path(__file__).with_name("submissions")
SCORED = ("forged_score", "inspector")
"""Code whose predictions are valid, all alike; for ``forged_score`` they are what must count."""

BAD = {
    "crash.zip": "exit_code",
    "timeout.zip": "time_limit",
    "memory.zip": "memory_limit",
    "no_output.zip": "no_output",
    "nan_confidence.zip": "bad_output",
    "nan.csv": "bad_output",
    "flood.zip": "output_limit",
    "many_files.zip": "output_limit",
    # These end with an exit code of their own when what they try is refused.
    "network.zip": "exit_code",
    "write_input.zip": "exit_code",
    "find_truth.zip": "exit_code",
}


def write_submissions(folder: Path, parts: Split, root_layer: Path) -> None:
    """Write all submissions, ``expected.json`` (file to scores) and ``bad.json`` (file to reason)."""
    folder.mkdir(parents=True)
    training = {"train.csv": images_csv(parts.train), "train-truth.csv": truth_csv(parts.train)}
    write_code(folder / "knn.zip", "knn", training)
    write_app_image(
        folder / "centroid.tar",
        root_layer,
        "centroid",
        program="/app/predict",
        extra={"app/centroids.csv": _centroids_csv(parts)},
    )
    rows = models.row_sums(parts.train, parts.test)
    (folder / "predictions.csv").write_text(metrics.predictions_csv(rows), "ascii")
    constant = {image.id: (0, "0.5") for image in parts.test}
    not_numbers = {name: (digit, "nan") for name, (digit, _) in constant.items()}
    (folder / "nan.csv").write_text(metrics.predictions_csv(not_numbers), "ascii")
    helper = {"answers.py": (SOURCES / "answers.py").read_text("utf-8")}
    for name in (*SCORED, *(Path(file).stem for file in BAD if file.endswith(".zip"))):
        write_code(folder / f"{name}.zip", name, helper)
    answers = {
        "knn.zip": models.knn(parts.train, parts.test),
        "centroid.tar": models.centroid(parts.train, parts.test),
        "predictions.csv": rows,
        **{f"{name}.zip": constant for name in SCORED},
    }
    expected = {name: metrics.score(parts.test, given) for name, given in answers.items()}
    _write_json(folder / "expected.json", expected)
    _write_json(folder / "bad.json", BAD)


def write_code(path: Path, name: str, files: Mapping[str, str]) -> None:
    """Write a zip with the program submissions/NAME/predict.py at its top and ``files`` beside it."""
    contents = {"predict.py": (SOURCES / name / "predict.py").read_text("utf-8"), **files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in sorted(contents.items()):
            # The constructor's own date, 1980, keeps the bytes the same from build to build.
            info = zipfile.ZipInfo(member)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)


def _centroids_csv(parts: Split) -> bytes:
    rows = (",".join(map(str, row)) for row in models.centroids(parts.train))
    return ("\n".join(rows) + "\n").encode("ascii")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "ascii")
