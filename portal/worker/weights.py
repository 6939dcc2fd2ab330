"""Weights, as runs find them: one file as it is, or the files of an archive, unpacked once by digest."""

from pathlib import PurePosixPath

from containers.interface import Bind
from portal.db.tables import Weights
from portal.domain.weights import is_archive, mounted_at
from portal.files.archives import unpack_results
from portal.worker.context import WorkerContext

FILES = 100_000
"""Files that an archive of weights may hold."""


def weights_binds(context: WorkerContext, weights: Weights | None) -> tuple[Bind, ...]:
    """Return what makes them visible, read-only; nothing where a submission names none.

    Raises ``BadArchive`` for an archive that cannot be unpacked. Repeating it changes nothing.
    """
    if weights is None:
        return ()
    source = context.store.path(weights.blob_sha256)
    if not is_archive(weights.filename):
        source = context.cluster.uploaded(weights.blob_sha256, context.store)
    else:
        place = context.cluster.weights / weights.blob_sha256
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not place.exists():
            unpack_results(
                source,
                place,
                required=(),
                max_bytes=context.resources.weights_limit,
                max_files=FILES,
            )
        source = place
    return (Bind(source=PurePosixPath(source), target=mounted_at(weights.filename)),)
