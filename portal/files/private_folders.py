"""The folders of a storage that the worker's account alone may enter."""

import os
import stat
from pathlib import Path

from portal.domain.errors import OperatorError

PRIVATE = ("ahead", "images", "weights", "samples", "manifests", "runs", "approvals")
"""The folders of a storage that the worker's account alone may enter; ``approvals`` has what was approved."""


def make_private(storage: Path) -> None:
    """Make the folders of a storage that only this account may enter: the web process can be another's.

    Raises ``OperatorError`` where somebody else could have put there what lies in one.
    """
    for name in PRIVATE:
        folder = storage / name
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise OperatorError(f"{folder} is not a directory of this account: look who made it")
        if facts.st_mode & 0o022:
            raise OperatorError(
                f"others could write to {folder}: remove what they may have put there, then chmod 700"
            )
        folder.chmod(0o700)
