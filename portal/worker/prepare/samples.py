"""The public sample of a task, as smoke runs find it: unpacked once on each cluster, by digest."""

from pathlib import Path

from portal.domain import untrusted
from portal.domain.errors import OperatorError
from portal.domain.evaluations.work import RunWork
from portal.files.archives.samples import unpack_sample
from portal.worker.context import WorkerContext

INPUT = "input"
"""Where a sample has this directory, it is the input; what lies beside it is not shown to programs."""


def sample_of(context: WorkerContext, work: RunWork) -> Path:
    """Return the directory that a smoke run reads as its input. Idempotent."""
    if work.task.sample is None:
        raise OperatorError(f"task {work.task_slug} has no sample")
    digest = untrusted.sha256(work.task.sample, "the approved sample")
    place = context.cluster.sample(digest)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place.exists():
        with context.upload(digest, place.parent) as packed:
            unpack_sample(packed, place, max_bytes=context.resources.upload_limit)
    return place / INPUT if (place / INPUT).is_dir() else place
