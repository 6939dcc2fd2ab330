"""From upload to image, the worker reads an upload twice: to copy it, and to look into the copy."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.files.archives.submitted import repack_code, unpack_results
from portal.files.images.inspection import inspect_whole
from portal.files.store import Store
from portal.files.trees import remove
from tests.support.uploads.archives import Maker
from tests.support.uploads.images import docker, entry, layer, oci

SIZE = 4 * 1024 * 1024
CONSTANT = 512 * 1024
"""Heads of entries, manifests and first blocks, which are read anew."""


def _read_bytes() -> int:
    """Return the bytes that this process has read so far, by any system call."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar:")).split()[1])


def _readings(tmp_path: Path, upload: Path, look: Callable[[Path], object]) -> float:
    """Return how often an upload is read, what is constant left out."""
    store, copy = Store(tmp_path / "store"), tmp_path / "copy"
    look(upload)  # whatever is imported for it is imported now
    stored = store.add(upload)
    before = _read_bytes()
    store.copy(stored.sha256, copy)
    look(copy)
    return (_read_bytes() - before - CONSTANT) / stored.size


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize(("layout", "packed"), [(docker, bytes), (oci, gzip.compress)])
def test_an_image_is_read_twice(tmp_path: Path, make_tar: Maker, layout, packed, mode) -> None:
    layers = [layer(entry(f"{number}.bin", content=os.urandom(SIZE))) for number in range(2)]
    upload = make_tar(*layout(*layers, packed=packed).items(), mode=mode)
    assert upload.stat().st_size > 2 * SIZE

    assert 1.9 < _readings(tmp_path, upload, inspect_whole) <= 2


def _look_at_code(upload: Path) -> None:
    repack_code(upload, upload.with_name("code.tar"))


def _look_at_results(upload: Path) -> None:
    target = upload.with_name("results")
    remove([target])
    unpack_results(upload, target, required=["a.csv"], max_bytes=10 * SIZE, max_files=10)


FLAT = [("a.csv", os.urandom(SIZE)), ("b.csv", os.urandom(SIZE))]


@pytest.mark.parametrize("look", [_look_at_code, _look_at_results])
def test_a_compressed_tar_is_read_twice(tmp_path: Path, make_tar: Maker, look) -> None:
    assert 1.9 < _readings(tmp_path, make_tar(*FLAT, mode="w:gz"), look) <= 2


@pytest.mark.parametrize("look", [_look_at_code, _look_at_results])
def test_a_zip_is_read_twice(tmp_path: Path, make_zip: Maker, look) -> None:
    assert 1.9 < _readings(tmp_path, make_zip(*FLAT), look) <= 2


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_single_file_of_results_is_read_twice(tmp_path: Path, make_file: Maker, compress) -> None:
    upload = make_file(compress(os.urandom(2 * SIZE)))

    assert 1.9 < _readings(tmp_path, upload, _look_at_results) <= 2
