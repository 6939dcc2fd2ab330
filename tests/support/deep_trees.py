"""Trees as hostile programs make them: deeper than any path can be long."""

import os
from pathlib import Path


def nest(top: Path, depth: int, *, name: str = "d", file: str = "", mode: int = 0o700) -> None:
    """Make ``depth`` directories inside each other below ``top``, in the last one a file; all get ``mode``."""
    top.mkdir(exist_ok=True)
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.fchmod(here, mode)
        os.close(here)
        here = inner
    if file:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=here))
    os.fchmod(here, mode)
    os.close(here)
