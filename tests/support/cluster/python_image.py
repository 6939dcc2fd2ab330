"""An image with this machine's own Python, for tests that have to look around inside a container."""

import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from containers.archives import Entry, write_archive

_LEFT_OUT = {"__pycache__", "test", "idlelib", "lib2to3", "site-packages", "dist-packages"}
_LEFT_OUT_PREFIXES = ("config-", "pydoc_data")
PYTHON = "/python"
"""Where the interpreter is in the image."""
PIP = Path("/usr/share/python-wheels")
"""Where Debian keeps the wheels from which ``venv`` is filled."""


def write_python_archive(busybox: Path, target: Path, extra: Iterable[Entry] = ()) -> None:
    """Write the archive: Python, its standard library, what they are linked with, a shell, and ``extra``."""
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    files = {path: path for path in _standard_library(library)}
    for program in (interpreter, *library.glob("lib-dynload/*.so")):
        files |= _linked(program)
    files[interpreter] = interpreter
    write_archive(
        [
            *(Entry(path=name, directory=True) for name in ("bin", "dev", "proc", "sys", "tmp")),
            *_parents(files),
            *(_copy(source, place) for place, source in sorted(files.items())),
            Entry(path="bin/busybox", content=busybox.read_bytes(), mode=0o755),
            Entry(path="bin/sh", link="busybox"),
            Entry(path=PYTHON[1:], link=str(interpreter)),
            Entry(path="bin/python3", link=str(interpreter)),
            Entry(path="etc/passwd"),
            Entry(path="etc/group"),
            *extra,
        ],
        target,
        architecture="amd64",
    )


def _standard_library(library: Path) -> Iterator[Path]:
    for path in library.rglob("*"):
        parts = path.relative_to(library).parts
        if path.is_file() and not any(map(_is_left_out, parts)):
            yield path


def _is_left_out(part: str) -> bool:
    return part in _LEFT_OUT or part.startswith(_LEFT_OUT_PREFIXES)


def _linked(program: Path) -> dict[Path, Path]:
    """Give the libraries of a program, where it looks for them."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True)
    words = (word for line in done.stdout.splitlines() for word in line.split())
    return {Path(word): Path(word).resolve() for word in words if word.startswith("/")}


def _parents(files: dict[Path, Path]) -> list[Entry]:
    folders = {folder for place in files for folder in place.parents}
    names = {str(folder)[1:] for folder in folders} | {"etc"}
    return [Entry(path=name, directory=True) for name in sorted(names) if name]


def _copy(source: Path, place: Path) -> Entry:
    executable = 0o755 if source.stat().st_mode & 0o100 else 0o644
    return Entry(path=str(place)[1:], content=source.read_bytes(), mode=executable)
