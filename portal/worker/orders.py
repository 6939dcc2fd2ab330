"""Whether a run is what an operator ordered: the database alone is not believed.

An image is believed to be made of what a file beside it says. The worker writes that when it takes the
image in, from what it had noted in the build's run directory before the job was sent.
"""

from pathlib import Path

from portal.db.queries.runs import RunWork
from portal.db.tables import Image
from portal.domain.errors import OperatorError
from portal.domain.jobs import ImageKind, JobKind
from portal.services.orders import order_of
from portal.worker.context import WorkerContext

NOTE = "made-of"
"""The file of a build's run directory that says what the image is made of."""


def note_source(directory: Path, image: Image) -> None:
    """Write down what a build is made of; the script compares the digest with the file's."""
    (directory / NOTE).write_text(f"{image.kind.value}:{image.source_sha256}\n", encoding="ascii")


def keep_note(context: WorkerContext, directory: Path, digest: str) -> None:
    """Put what a build was made of beside its image, before the image itself is there."""
    note = (directory / NOTE).read_text(encoding="ascii")
    part = context.cluster.images / f".{digest}.{directory.name}"
    part.write_text(note, encoding="ascii")
    part.replace(_note_of(context, digest))


def check_order(context: WorkerContext, work: RunWork, probe: Image) -> None:
    """Raise ``OperatorError`` for a run that no operator ordered as it is."""
    slug, task = work.challenge.slug, work.task.slug
    ordered = context.orders.get(slug).get(task)
    if ordered is None:
        raise OperatorError(
            f"nobody ordered the task {task} of {slug}: look at it with 'sealrun challenge approve {slug}'"
        )
    with context.database.reading() as session:
        found = ordered.differences(order_of(session, work.task))
    if found:
        raise OperatorError(
            f"the database says otherwise than the order of {slug}, task {task}: {', '.join(found)}"
        )
    _check_source(context, probe, context.probe_source)
    if work.job.kind is JobKind.SCORE:
        _check_source(context, work.image, ordered.scorer)


def _check_source(context: WorkerContext, image: Image, source: str) -> None:
    try:
        note = _note_of(context, str(image.sif_sha256)).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        note = "nothing that is known"
    if note != f"{ImageKind.ARCHIVE.value}:{source}":
        raise OperatorError(f"image {image.id} is made of {note}, which nobody ordered")


def _note_of(context: WorkerContext, digest: str) -> Path:
    return context.cluster.images / f"{digest}.{NOTE}"
