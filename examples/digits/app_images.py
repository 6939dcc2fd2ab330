"""The images of this challenge: the shared root layer and, above it, a small layer of programs."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from examples.digits.docker_archive import File, write_docker_archive, write_layer

SOURCES = Path(__file__).with_name("images")
MOUNT_POINTS = ("input", "output", "submission")


def write_app_image(
    path: Path,
    root_layer: Path,
    name: str,
    *,
    program: str,
    extra: Mapping[str, bytes] | None = None,
) -> None:
    """Write the image ``name`` with the files in images/NAME and ``extra``, started with ``program``.

    A program in an image needs its executable bit, which a checkout may have lost: everything that
    begins with ``#!`` gets it.
    """
    source = SOURCES / name
    contents = {
        str(file.relative_to(source)): file.read_bytes()
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    contents |= extra or {}
    files = {
        member: File(content=content, mode=0o755 if content.startswith(b"#!") else 0o644)
        for member, content in contents.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder, "app.tar")
        write_layer(layer, files, folders=MOUNT_POINTS)
        tag = f"sealrun-example/digits-{name}:1"
        write_docker_archive(path, [root_layer, layer], entrypoint=[program], tag=tag)
