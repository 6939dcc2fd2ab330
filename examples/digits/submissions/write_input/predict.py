"""Tries to change the input, its own files and the image. Exits 5 when each write was refused."""

import os
import sys
from pathlib import Path

import answers

REFUSED = 5


def writes(path: Path) -> bool:
    """Try to write a file and report on it."""
    try:
        path.write_text("changed\n", encoding="ascii")
    except OSError as error:
        print(f"{path}: errno {error.errno}")
        return False
    print(f"{path}: written")
    return True


def main() -> int:
    """Try a new file and the existing one."""
    source = Path(os.environ["SEALRUN_INPUT"])
    own = Path(os.environ["SEALRUN_SUBMISSION"])
    targets = [source / "new.txt", source / "images.csv", own / "predict.py", Path("/app/predict")]
    answers.write()
    written = [path for path in targets if writes(path)]
    return 0 if written else REFUSED


if __name__ == "__main__":
    sys.exit(main())
