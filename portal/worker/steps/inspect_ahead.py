"""Looking through large images before their builds are opened.

A build that is opened keeps its nodes from runs of other kinds, and has its place among those of its team; to look
through an image of gigabytes takes minutes. What is made ahead is the copy that nobody else can change, and what
was found in it. Where that is lost, as after a worker ended, the build does it itself.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from containers.interface import Signature
from portal.db.tables import Image
from portal.domain import untrusted
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.evaluations.work import BuildWork
from portal.domain.untrusted import Id, Sha256
from portal.files.atomic import PART
from portal.files.images.acceptance import look_into
from portal.files.images.inspection import FoundImage, ImageLimits
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import FileWorkPendingError

LARGE = 64 * 1024**2
"""Bytes from which on it is done ahead."""
MAX_AHEAD = 4
"""How many images are looked through, or lie ready, at a time: each is on the disk twice meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found in an upload."""

    source_sha256: Sha256
    found: FoundImage
    signature: Signature | None


class Ahead:
    """Says in one pass of which images the builds may be opened, and has the others looked through."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._images: set[str] = set()
        self._sources: set[str] = set()

    def __call__(self, image: Image) -> bool:
        """Whether an image needs no looking through, or it is over, however it ended."""
        if image.kind is ImageKind.CODE:
            return True
        source = untrusted.sha256(image.source_sha256, "images.source_sha256")
        size = self._context.size_of_upload(source)
        if size < LARGE:
            return True
        name = untrusted.identifier(image.id, "images.id")
        if len(self._images) >= MAX_AHEAD:
            return False
        self._images.add(name)
        self._sources.add(source)
        return _looked(self._context, name, source, size) is not None

    def forget_others(self) -> None:
        """Stop and remove what was made of images that nobody asks for any more."""
        self._context.file_work.only(self._images, Part.AHEAD)
        for path in _lying(self._context):
            if path.name not in self._sources:
                path.unlink(missing_ok=True)


def _looked(
    context: WorkerContext, name: Id, source: Sha256, size: int
) -> Looked | Exception | None:
    """Return what was found, or what went wrong; None while it goes on."""
    try:
        return context.file_work.done(name, Part.AHEAD, lambda: _look(context, source), size=size)
    except FileWorkPendingError:
        return None
    except Exception as problem:  # noqa: BLE001 - the build meets it again, and says so at the right place
        return problem


def _look(context: WorkerContext, source: Sha256) -> Looked:
    context.cluster.ahead.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = context.take_upload(source, context.cluster.copied_ahead(source))
    profile = context.resources.profiles[context.resources.build_profiles[context.cluster.name]]
    limits = ImageLimits(architecture=profile.architecture)
    found, signature = look_into(copy, limits, context.resources.sif)
    return Looked(source_sha256=source, found=found, signature=signature)


def take(context: WorkerContext, work: BuildWork, target: Path) -> Looked | None:
    """Move the copy of a build's upload to its run directory, and return what was found in it; None where there is none."""
    looked = context.file_work.made(work.image_id, Part.AHEAD)
    if not isinstance(looked, Looked) or looked.source_sha256 != work.source_sha256:
        return None
    with suppress(FileNotFoundError):
        context.cluster.copied_ahead(work.source_sha256).rename(target)
        return looked
    return looked if target.exists() else None


def _lying(context: WorkerContext) -> Iterator[Path]:
    """List the copies that are whole; what is being written has to be left to who writes it."""
    with suppress(FileNotFoundError):
        for path in context.cluster.ahead.iterdir():
            if path.is_file() and not path.name.startswith(PART):
                yield path
