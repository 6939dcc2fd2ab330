"""What an image is made of: a note beside it, which the worker's account alone can write.

The worker writes it when it takes the image in, from what it had noted in the build's run directory before
the job was sent. Whatever digest the database names, an image counts as made of what its note says.
"""

from portal.domain.errors import OperatorError
from portal.domain.evaluations.work import BuildWork
from portal.domain.untrusted import Sha256
from portal.files import atomic
from portal.worker.context import WorkerContext

UNKNOWN = "nothing that is known"


def made_of(work: BuildWork) -> str:
    """Return the note of an image: its kind, and the digests of all that goes in."""
    base = (work.base.source_sha256,) if work.base else ()
    return ":".join((work.kind.value, work.source_sha256, *base))


def keep_note(context: WorkerContext, work: BuildWork, digest: Sha256) -> None:
    """Put what a build was made of beside its image, before the image itself is there."""
    note = context.cluster.note_of_image(digest)
    atomic.write(note, f"{made_of(work)}\n".encode("ascii"), mode=0o640)


def source_of(context: WorkerContext, digest: Sha256) -> str:
    """Return the note of an image."""
    try:
        return context.cluster.note_of_image(digest).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return UNKNOWN


def check_source(context: WorkerContext, image_id: str, digest: Sha256, wanted: str) -> None:
    """Raise ``OperatorError`` for an image that is made of something else."""
    found = source_of(context, digest)
    if found != wanted:
        raise OperatorError(f"image {image_id} is made of {found}, which nobody approved")
