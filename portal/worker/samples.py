"""The public sample of a task, as smoke runs find it: unpacked once on each cluster, by digest."""

from pathlib import Path

from portal.db.tables import Task
from portal.domain.errors import OperatorError
from portal.files.archives import unpack_results
from portal.worker.context import WorkerContext

INPUT = "input"
"""Where a sample has this directory, it is the input; what lies beside it is not shown to programs."""
FILES = 100_000


def sample_of(context: WorkerContext, task: Task) -> Path:
    """Return the directory that a smoke run reads as its input. Repeating it changes nothing."""
    if task.sample_sha256 is None:
        raise OperatorError(f"task {task.slug} has no sample")
    place = context.cluster.storage / "samples" / task.sample_sha256
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place.exists():
        unpack_results(
            context.store.path(task.sample_sha256),
            place,
            required=(),
            max_bytes=context.resources.upload_limit,
            max_files=FILES,
        )
    return place / INPUT if (place / INPUT).is_dir() else place
