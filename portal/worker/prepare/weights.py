"""Weights, as runs find them: one file as it is, or the files of an archive, taken once by digest.

They lie where the worker's account alone can write: what a run sees is what had the digest. Which of the two they
are is decided here again, by their content: the database only repeats what the web process found.
"""

from pathlib import Path, PurePosixPath

from containers.interface import Bind
from portal.domain.evaluations.work import WeightsFacts
from portal.domain.submissions.weights import mounted_at
from portal.files.archives.weights import is_one_file, is_unpacked, unpack_weights
from portal.worker.context import WorkerContext


def weights_binds(context: WorkerContext, weights: WeightsFacts | None) -> tuple[Bind, ...]:
    """Return what makes them visible, read-only; nothing where a submission names none.

    Raises ``BadArchiveError`` for an archive that cannot be unpacked, and ``UntrustedValueError`` for an upload
    that is not as it was stored. Idempotent.
    """
    if weights is None:
        return ()
    context.cluster.weights.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = _source(context, weights)
    target = mounted_at(weights.filename, unpacked=source.is_dir())
    return (Bind(source=PurePosixPath(source), target=target),)


def _source(context: WorkerContext, weights: WeightsFacts) -> Path:
    """Return the file or the directory that a run sees; make it where it is missing."""
    blob, name = weights.blob_sha256, weights.filename
    unpacked = context.cluster.unpacked_weights(blob, as_zip=name.lower().endswith(".zip"))
    plain = context.cluster.plain_weights(blob)
    if unpacked.exists() and not is_one_file(name):
        return unpacked
    if plain.exists() and not is_unpacked(plain, name):
        return plain
    with context.upload(blob, plain.parent) as copy:
        if is_unpacked(copy, name):
            unpack_weights(copy, unpacked, max_bytes=context.resources.weights_limit)
            return unpacked
        copy.rename(plain)
    return plain
