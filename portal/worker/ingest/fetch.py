"""Fetching: what a job has left on its node is brought here, beside the passes where it has to be carried."""

from pathlib import Path

from portal.domain.evaluations.file_parts import Part
from portal.worker.context import WorkerContext
from scheduler.files import FetchLimits
from scheduler.interface import Token


def fetch(
    context: WorkerContext, token: Token, part: Part, directory: Path, limits: FetchLimits
) -> None:
    """Return when what is in a run directory on the nodes is here. Raises ``FileWorkPendingError`` and ``UnreachableError``."""
    files = context.cluster.files
    if not files.is_shared:
        context.file_work.done(token, part, lambda: files.get(directory, limits))
