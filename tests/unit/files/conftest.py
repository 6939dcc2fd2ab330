"""Makers of archives: good ones, and any kind of bad one."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Maker = Callable[..., Path]


def tar_bytes(members: Iterable[tuple[tarfile.TarInfo | str, bytes]], **options: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_bytes(members: Iterable[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members:
            archive.writestr(member, content)
    return buffer.getvalue()


@pytest.fixture
def make_tar(tmp_path: Path) -> Maker:
    def make(*members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
        return _written(tmp_path, tar_bytes(members))

    return make


@pytest.fixture
def make_zip(tmp_path: Path) -> Maker:
    def make(*members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
        return _written(tmp_path, zip_bytes(members))

    return make


@pytest.fixture
def make_file(tmp_path: Path) -> Maker:
    return lambda content: _written(tmp_path, content)


def _written(directory: Path, content: bytes) -> Path:
    file = directory / "upload"
    file.write_bytes(content)
    return file
