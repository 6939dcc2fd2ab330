"""Build the example challenge: bundle, private data, public data and submissions to submit.

Run it from the root of the project: ``python -m examples.digits.build TARGET``. README.md says what
it writes. Everything is made once in the cache, under a digest of the recipe, and copied from there.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from examples.digits.app_images import write_app_image
from examples.digits.dataset import Image, images_csv, load_lines, split, truth_csv
from examples.digits.example_submissions import write_submissions
from examples.digits.rootfs import write_root_layer

HERE = Path(__file__).parent
TRIALS = (
    "baselines/knn.zip",
    "baselines/predictions.csv",
    "samples/crash.zip",
    "samples/nan.csv",
)
"""What the bundle names to try the challenge with, of the submissions that are made."""
DEFAULT_CACHE = Path("/var/cache/sealrun")


def build(target: Path, cache: Path) -> None:
    """Write the example into ``target``; folders that it makes there replace those of their names."""
    made = cache / f"digits-{_digest(_sources())}"
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".digits-") as folder:
            fresh = Path(folder, "made")
            _make(fresh, cache)
            _put(fresh, made)
    target.mkdir(parents=True, exist_ok=True)
    for part in sorted(made.iterdir()):
        shutil.rmtree(target / part.name, ignore_errors=True)
        shutil.copytree(part, target / part.name)


def _make(folder: Path, cache: Path) -> None:
    parts = split(load_lines(cache))
    root_layer = _root_layer(cache)
    challenge = folder / "challenge"
    shutil.copytree(HERE / "bundle", challenge)
    write_app_image(challenge / "base.tar", root_layer, "base", program="/app/predict")
    write_app_image(challenge / "scorer.tar", root_layer, "scorer", program="/app/score")
    _write(folder / "data/digits-test/images.csv", images_csv(parts.test))
    _write(folder / "data/digits-truth/truth.csv", truth_csv(parts.test))
    public = folder / "public"
    shutil.copytree(HERE / "kit", public, ignore=shutil.ignore_patterns("__pycache__"))
    _write(public / "train.csv", images_csv(parts.train))
    _write(public / "train-truth.csv", truth_csv(parts.train))
    for sample in (challenge / "sample", public / "sample"):
        _write_sample(sample, parts.sample)
    write_submissions(folder / "submissions", parts, root_layer)
    for trial in TRIALS:
        _copy(folder / "submissions" / Path(trial).name, challenge / trial)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_sample(folder: Path, images: tuple[Image, ...]) -> None:
    """Write the sample with the folders of a task: what predict sees and what score compares with."""
    _write(folder / "input/images.csv", images_csv(images))
    _write(folder / "truth/truth.csv", truth_csv(images))


def root_layer_path(cache: Path) -> Path:
    """Return where the shared layer is kept; changes to pages or programs do not move it."""
    return cache / f"rootfs-{_digest([HERE / 'rootfs.py', HERE / 'docker_archive.py'])}.tar"


def _root_layer(cache: Path) -> Path:
    path = root_layer_path(cache)
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache, prefix=".rootfs-") as folder:
            fresh = Path(folder, path.name)
            write_root_layer(fresh)
            fresh.replace(path)
    return path


def _put(fresh: Path, place: Path) -> None:
    """Move a finished folder to its place; another build may have been quicker, with the same."""
    try:
        fresh.rename(place)
    except OSError:
        if not place.exists():
            raise


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "ascii")


def _sources() -> list[Path]:
    files = (path for path in HERE.rglob("*") if path.is_file())
    return [path for path in files if "__pycache__" not in path.parts]


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def main() -> None:
    """Build into the directory that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.digits.build", description=build.__doc__
    )
    parser.add_argument("target", type=Path)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("SEALRUN_CACHE_DIR", DEFAULT_CACHE)),
        help="default: %(default)s, or what SEALRUN_CACHE_DIR says",
    )
    options = parser.parse_args()
    build(options.target, options.cache)
    print(f"built in {options.target}")


if __name__ == "__main__":
    main()
