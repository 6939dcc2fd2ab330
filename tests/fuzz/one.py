"""Fuzz one target: ``python -m tests.fuzz.one TARGET`` and then what libFuzzer takes."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["portal.files", "containers"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run until libFuzzer's own limits end the process."""
    target = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        upload = Path(folder) / "upload"

        def once(content: bytes) -> None:
            upload.write_bytes(content)
            target(upload)

        atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
