"""The batch scripts of a check, and reading what they note: values, quoted, before text that never changes."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from containers.interface import Node
from containers.isolation import clean_environment
from containers.scripts import keeps_names

NOTES_LIMIT = 256 * 1024
"""Bytes that a script's notes may have."""

_SHELL = Path(__file__).with_name("shell")

Notes = Mapping[str, tuple[str, ...]]
"""What a script noted: for each key its values, in order."""


def inside_text() -> str:
    """Return the script that runs inside the container."""
    return (_SHELL / "inside.sh").read_text(encoding="utf-8")


def look_script(
    directory: Path,
    *,
    mark: str,
    canary: Path,
    upload: Path | None,
    data: Iterable[PurePosixPath],
    node: Node,
    keep_seconds: int,
) -> str:
    """Return the job that looks around and leaves things named ``mark``, for ``keep_seconds`` at most."""
    return _assembled(
        "look.sh",
        keeps_names(),
        directory=str(directory),
        mark=mark,
        keep_seconds=str(keep_seconds),
        canary=str(canary),
        upload=str(upload or ""),
        data=[str(path) for path in data],
        scratch=str(node.scratch),
        verified=[str(place) for place in node.verified],
        apptainer=str(node.apptainer),
        # Apptainer reads settings from the home directory and from variables: neither counts here.
        clean_environment=clean_environment(PurePosixPath(directory)),
    )


def find_script(directory: Path, *, mark: str) -> str:
    """Return the job that looks for what is named ``mark``, and removes it."""
    return _assembled("find.sh", directory=str(directory), mark=mark)


def memory_script(size: int) -> str:
    """Return the job that takes ``size`` bytes of memory."""
    return _assembled("memory.sh", bytes=str(size))


def ignores_sigterm_script() -> str:
    """Return the job that does not end when it is asked to."""
    return _assembled("ignores_sigterm.sh")


def read_notes(file: Path) -> Notes | None:
    """Return what a script noted; None while there is nothing."""
    try:
        with file.open("rb") as stream:
            text = stream.read(NOTES_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    notes: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        notes[key] = (*notes.get(key, ()), value)
    return notes


def _assembled(name: str, functions: str = "", **values: str | Iterable[str]) -> str:
    assignments = "".join(f"{key}={_quoted(value)}\n" for key, value in values.items())
    text = (_SHELL / name).read_text(encoding="utf-8")
    return (
        f"#!/bin/bash\n# A check of the site, written by Sealrun.\n{assignments}\n{functions}{text}"
    )


def _quoted(value: str | Iterable[str]) -> str:
    if isinstance(value, str):
        return shlex.quote(value)
    return "(" + " ".join(shlex.quote(item) for item in value) + ")"
