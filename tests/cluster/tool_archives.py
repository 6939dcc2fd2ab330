"""The files of the example as the tools of real people would have packed them."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

APPLE_DOUBLE = struct.pack(">IIIIIIIHII", 0x00051607, 0x00020000, 0, 0, 0, 0, 0, 1, 9, 38) + bytes(
    86
)
"""What macOS keeps beside a file whose attributes the archive cannot hold."""

WRAPPER = """
import os, pathlib, runpy
os.chdir(os.environ["SEALRUN_OUTPUT"])
{first}
runpy.run_path(str(pathlib.Path(__file__).with_name("real.py")), run_name="__main__")
"""


def files_of(archive: Path) -> dict[str, bytes]:
    """Return what a zip holds, by name."""
    with zipfile.ZipFile(archive) as packed:
        return {one.filename: packed.read(one) for one in packed.infolist() if not one.is_dir()}


def by_macos(files: Mapping[str, bytes], target: Path) -> None:
    """Write what ``tar czf`` of macOS does: a file of attributes beside each one, and a directory round all."""
    with tarfile.open(target, "w:gz") as tar:
        _add(tar, "./._project", APPLE_DOUBLE)
        for name, content in files.items():
            folder, _, base = f"project/{name}".rpartition("/")
            _add(tar, f"{folder}/._{base}", APPLE_DOUBLE)
            _add(tar, f"project/{name}", content)


def with_odd_names(files: Mapping[str, bytes], target: Path) -> None:
    """Write a zip that also has a screenshot, whose name has spaces of other widths."""
    odd = {
        "shots/Screenshot 2026-03-01 at 9.41.07\u202fAM.png": b"\x89PNG",
        "v\u00a01/note.txt": b"x",
    }
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in {**files, **odd}.items():
            packed.writestr(name, content)


def by_powershell(files: Mapping[str, bytes], target: Path) -> None:
    """Write what ``Compress-Archive`` of PowerShell 5.1 does: made on DOS, with its separators."""
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in {"models/": b"", "models/config.json": b"{}", **files}.items():
            told = zipfile.ZipInfo("project\\" + name.replace("/", "\\"))
            told.create_system = 0
            packed.writestr(told, content)


def that_does_first(files: Mapping[str, bytes], target: Path, first: str) -> None:
    """Write a zip whose program does something in /output before it predicts."""
    wrapped = {**files, "real.py": files["predict.py"]}
    wrapped["predict.py"] = WRAPPER.format(first=first).encode()
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in wrapped.items():
            packed.writestr(name, content)


def more_of_a_layer(layer: bytes, entries: Iterable[tarfile.TarInfo], *, end: bool = True) -> bytes:
    """Return a layer with further entries; without the zeros that end a tar if ``end`` is false."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        last = tar.getmembers()[-1]
        size = last.offset_data + -(-last.size // 512) * 512
    more = b"".join(entry.tobuf(tarfile.PAX_FORMAT) for entry in entries)
    return layer[:size] + more + (bytes(1024) if end else b"")


def link(name: str, to: str) -> tarfile.TarInfo:
    """Return a symbolic link."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, to
    return entry


def device(name: str, major: int, minor: int) -> tarfile.TarInfo:
    """Return a character device."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.devmajor, entry.devminor, entry.mode = tarfile.CHRTYPE, major, minor, 0o666
    return entry


def empty(name: str) -> tarfile.TarInfo:
    """Return a file in which there is nothing."""
    return tarfile.TarInfo(name)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
