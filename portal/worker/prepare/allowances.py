"""What Slurm is asked for beyond a profile's time: a program's own limit is kept by its script, and stays as it is."""

from datetime import timedelta
from pathlib import Path

from portal.domain.challenges.profiles import Profile
from portal.domain.untrusted import Sha256
from portal.worker.boundary import size_of_image
from portal.worker.context import WorkerContext

OWN_TIME = timedelta(seconds=30)
"""What a job needs beside its container: the probe, small digests, tidying up."""
READ_RATE = 100_000_000
"""Bytes a second at which a node reads an image and computes its digest, at least."""


def reading_time(size: int) -> timedelta:
    """Return what reading ``size`` bytes may take, in whole seconds."""
    return timedelta(seconds=-(-size // READ_RATE))


def largest_request(profile: Profile, upload_limit: int) -> timedelta:
    """Return what Slurm is asked for where an image is as large as images may be."""
    return profile.time_limit + OWN_TIME + reading_time(upload_limit)


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
