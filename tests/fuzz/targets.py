"""What is fuzzed: each reader of foreign bytes, with the only errors that may come out of it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from containers.sif import NotASifError, read_sif
from portal.files.archives.members import read_entries
from portal.files.archives.requirements import canonical, read_requirements
from portal.files.archives.submitted import repack_code
from portal.files.errors import BadArchiveError, BadScoreFileError
from portal.files.images.inspection import ImageLimits, inspect_image, inspect_layers, inspect_whole
from portal.files.images.layers import LayerLimits
from portal.files.outputs.scores import ScoreColumn, read_scores
from tests.fuzz.seeds import docker_image

Target = Callable[[Path], None]

_SMALL = 8 * 1024 * 1024


def sif(upload: Path) -> None:
    """Read the tables of a SIF."""
    try:
        read_sif(upload)
    except NotASifError:
        return


def archive(upload: Path) -> None:
    """Read every entry of a tar or zip to its end."""
    try:
        for entry in read_entries(upload):
            for _ in entry.chunks():
                pass
    except BadArchiveError:
        return


def code(upload: Path) -> None:
    """Repack an archive of code."""
    target = upload.with_name("code.tar")
    try:
        repack_code(upload, target)
    except BadArchiveError:
        return
    finally:
        target.unlink(missing_ok=True)


def image(upload: Path) -> None:
    """Look at an image and into its layers, each by itself and both at once."""
    layers = LayerLimits(entries=10_000, size=_SMALL, seconds=10)
    looks = (
        inspect_image,
        partial(inspect_layers, layers=layers),
        partial(inspect_whole, layers=layers),
    )
    for look in looks:
        with suppress(BadArchiveError):
            look(upload, ImageLimits(size=_SMALL))


def layer(upload: Path) -> None:
    """Look into a layer that is all of an image: what surrounds it takes no bytes of the fuzzer."""
    whole = upload.with_name("image.tar")
    whole.write_bytes(docker_image(upload.read_bytes()))
    image(whole)


def requirements(upload: Path) -> None:
    """Read a requirements.txt, and write what pip is handed."""
    try:
        found = read_requirements(upload.read_bytes())
    except BadArchiveError:
        return
    for line in canonical(found).encode("ascii").splitlines():
        if b" -" in line or b"#" in line or b"\\" in line:
            raise AssertionError(line)


def scores(upload: Path) -> None:
    """Read a score file."""
    try:
        read_scores(upload, [ScoreColumn(key="accuracy", minimum=0, maximum=1)])
    except BadScoreFileError:
        return


TARGETS: dict[str, Target] = {
    "sif": sif,
    "archive": archive,
    "code": code,
    "image": image,
    "layer": layer,
    "requirements": requirements,
    "scores": scores,
}
"""Name to what is called with a file of foreign bytes."""
