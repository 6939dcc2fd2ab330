"""Makers of archives: good ones, and any kind of bad one."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Maker = Callable[..., Path]


@pytest.fixture
def make_file(tmp_path: Path) -> Maker:
    """Write an upload with the given bytes."""

    def make(content: bytes) -> Path:
        file = tmp_path / "upload"
        file.write_bytes(content)
        return file

    return make


@pytest.fixture
def make_tar(tmp_path: Path) -> Maker:
    """Write an upload with members: pairs of a name or ``TarInfo`` and the content."""

    def make(
        *members: tuple[tarfile.TarInfo | str, bytes], mode: str = "w", **options: int
    ) -> Path:
        file = tmp_path / "upload"
        with tarfile.open(file, mode, **options) as tar:
            for member, content in members:
                info = tarfile.TarInfo(member) if isinstance(member, str) else member
                if info.isreg():
                    info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return file

    return make


@pytest.fixture
def make_zip(tmp_path: Path) -> Maker:
    """Write an upload with members: pairs of a name or ``ZipInfo`` and the content."""

    def make(
        *members: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED
    ) -> Path:
        file = tmp_path / "upload"
        with zipfile.ZipFile(file, "w", method) as archive:
            for member, content in members:
                archive.writestr(member, content, compress_type=method)
        return file

    return make
