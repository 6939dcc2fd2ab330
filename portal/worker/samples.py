"""The public sample of a task, as smoke runs find it: unpacked once on each cluster, by digest."""

from pathlib import Path

from portal.db.tables import Task
from portal.domain.errors import OperatorError
from portal.files.samples import unpack_sample
from portal.worker.context import WorkerContext

INPUT = "input"
"""Where a sample has this directory, it is the input; what lies beside it is not shown to programs."""


def sample_of(context: WorkerContext, task: Task) -> Path:
    """Return the directory that a smoke run reads as its input. Repeating it changes nothing."""
    if task.sample_sha256 is None:
        raise OperatorError(f"task {task.slug} has no sample")
    place = context.cluster.storage / "samples" / task.sample_sha256
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place.exists():
        packed = context.store.path(task.sample_sha256)
        unpack_sample(packed, place, max_bytes=context.resources.upload_limit)
    return place / INPUT if (place / INPUT).is_dir() else place
