"""The token with which slurmrestd is asked. It has an end, so its file is replaced while we run."""

import os
import threading
from pathlib import Path

from scheduler.errors import UnreachableError

_PREFIX = "SLURM_JWT="
_MAX_BYTES = 64 * 1024


class TokenFile:
    """Reads the token from a file and again whenever the file has changed.

    The file holds the token alone, or what ``scontrol token`` prints.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._token = ""

    def read(self) -> str:
        """Return the token. Raises ``UnreachableError`` where there is none; nothing was sent then."""
        with self._lock:
            try:
                seen = _fingerprint(self._path)
                if seen != self._seen:
                    self._token = self._load()
                    self._seen = seen
            except (OSError, UnicodeDecodeError) as problem:
                raise UnreachableError(f"no token for slurmrestd: {problem}") from problem
            return self._token

    def read_again(self) -> str:
        """Return the token as the file has it now, even if nothing seems to have changed."""
        with self._lock:
            self._seen = None
        return self.read()

    def _load(self) -> str:
        with self._path.open(encoding="ascii") as file:
            token = file.read(_MAX_BYTES).strip().removeprefix(_PREFIX)
        if not token or not token.isprintable() or " " in token:
            raise UnreachableError(f"no token for slurmrestd: {self._path} does not hold one")
        return token


def _fingerprint(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116 - one call, three fields
    return status.st_ino, status.st_mtime_ns, status.st_size
