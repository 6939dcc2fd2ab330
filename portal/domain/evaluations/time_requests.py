"""What Slurm is asked for beyond a profile's time, where nothing but the profile is known."""

from datetime import timedelta

from portal.domain.challenges.profiles import Profile

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
