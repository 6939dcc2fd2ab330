"""Weights, as runs find them: one file as it is, or the files of an archive, taken once by digest.

They lie where the worker's account alone can write: what a run sees is what had the digest.
"""

from pathlib import PurePosixPath

from containers.interface import Bind
from portal.domain.weights import is_archive, mounted_at
from portal.domain.work import WeightsFacts
from portal.files.archives import unpack_results
from portal.worker.context import WorkerContext

FILES = 100_000
"""Files that an archive of weights may hold."""


def weights_binds(context: WorkerContext, weights: WeightsFacts | None) -> tuple[Bind, ...]:
    """Return what makes them visible, read-only; nothing where a submission names none.

    Raises ``BadArchive`` for an archive that cannot be unpacked, and ``UntrustedValueError`` for an upload
    that is not as it was stored. Idempotent.
    """
    if weights is None:
        return ()
    context.cluster.weights.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_archive(weights.filename):
        source = context.cluster.unpacked_weights(weights.blob_sha256)
        if not source.exists():
            with context.upload(weights.blob_sha256, source.parent) as packed:
                unpack_results(
                    packed,
                    source,
                    required=(),
                    max_bytes=context.resources.weights_limit,
                    max_files=FILES,
                )
    else:
        source = context.take_upload(
            weights.blob_sha256, context.cluster.plain_weights(weights.blob_sha256)
        )
    return (Bind(source=PurePosixPath(source), target=mounted_at(weights.filename)),)
