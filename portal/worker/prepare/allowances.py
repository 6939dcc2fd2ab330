"""What Slurm is asked for beyond a profile's time: a program's own limit is kept by its script, and stays as it is."""

from datetime import timedelta
from pathlib import Path

from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations.time_requests import OWN_TIME, reading_time
from portal.domain.untrusted import Sha256
from portal.worker.boundary import size_of_image
from portal.worker.context import WorkerContext


def time_request(context: WorkerContext, profile: Profile, *images: Sha256) -> timedelta:
    """Return what Slurm is asked for where a job checks these images first."""
    size = min(sum(_size(context, image) for image in images), context.resources.upload_limit)
    return profile.time_limit + OWN_TIME + reading_time(size)


def _size(context: WorkerContext, image: Sha256) -> int:
    path: Path = context.cluster.image(image)
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        # Where files are carried, images stay on the nodes, where they were made.
        return size_of_image(context, image)
