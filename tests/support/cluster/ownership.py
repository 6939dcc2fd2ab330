"""Handing over to the site's account what root has made in its name."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def hand_over(*folders: Path, account: int) -> None:
    """Let an account own whatever root owns in these folders, while a worker of that account makes and removes files there."""
    for folder in folders:
        for path in _all_in(folder):
            with suppress(FileNotFoundError):
                if path.lstat().st_uid == 0:
                    os.chown(path, account, account, follow_symlinks=False)


def _all_in(folder: Path) -> Iterator[Path]:
    yield folder
    # Passes over what is gone by the time that it would be listed, which Path.rglob does not.
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))
