"""What the dry run of a challenge submits, put into the bundle of the worker's world."""

import io
import zipfile
from pathlib import Path
from typing import Any

import yaml

SECRET = "the truth is seven"
"""What a baseline may know and nobody else."""


def packed(program: str = "print()", name: str = "predict.py") -> bytes:
    """Return a code submission."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, program)
    return made.getvalue()


def add_trials(bundle: Path, **changed: Any) -> None:
    """Let a bundle name a baseline and a sample that has to fail."""
    described = {
        "baselines": [
            {
                "file": "baselines/unet.zip",
                "kind": "code",
                "title": "U-Net",
                "expect": {"accuracy": {"min": 0.9, "max": 0.95}},
            }
        ],
        "samples": [{"file": "samples/crash.zip", "kind": "code", "expect": "exit_code"}],
    } | changed
    for folder in ("baselines", "samples"):
        (bundle / folder).mkdir(exist_ok=True)
    (bundle / "baselines/unet.zip").write_bytes(packed(f"print({SECRET!r})"))
    (bundle / "samples/crash.zip").write_bytes(packed("crash"))
    settings = bundle / "challenge.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | described))
