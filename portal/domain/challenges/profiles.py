"""What the sysadmin offers, as plain values: the portal never sees site.yaml itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Literal

from portal.domain.evaluations.shares import UNLIMITED, Share, gpu_count, gpu_hours
from portal.domain.retention import FOR_EVER, Policy

OWN_TIME = timedelta(seconds=30)
"""What a job needs beside its container: the probe, small digests, tidying up."""
READ_RATE = 100_000_000
"""Bytes a second at which a node reads an image and computes its digest, at least."""


def reading_time(size: int) -> timedelta:
    """Return what reading ``size`` bytes may take, in whole seconds."""
    return timedelta(seconds=-(-size // READ_RATE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named set of Slurm resources."""

    name: str
    cluster: str
    partition: str
    cpus: int
    memory_mib: int
    time_limit: timedelta
    gres: str | None = None
    account: str | None = None
    qos: str | None = None
    running: int | None = None
    """How many jobs of this profile may be with the cluster at once."""
    exclusive: bool = False
    """Whether its jobs share their node with no other job."""
    nodes: str | None = None
    """A word for the nodes of the partition; profiles that share nodes have the same."""
    sample: str | None = None
    """The profile in which runs on the public sample are made instead."""
    architecture: str = "amd64"
    """What the processors of its nodes are, in the words of container images.

    The sysadmin says it and ``sealrun check-site`` compares it with a node: what a check has measured is kept in the
    database, which the worker does not believe.
    """

    @property
    def node_group(self) -> str:
        """Return the word for its nodes, which is the partition's name where nothing else is said."""
        return self.nodes or self.partition

    @property
    def has_gpu(self) -> bool:
        """Whether the job is given a GPU."""
        return gpu_count(self.gres) > 0

    def requested_time(self, size: int) -> timedelta:
        """Return what Slurm is asked for where a job reads so many bytes of images first.

        A program's own limit is kept by its script, and stays as it is.
        """
        return self.time_limit + OWN_TIME + reading_time(size)

    def gpu_hours(self, time: timedelta | None = None) -> float:
        """Return the GPU-hours that a job takes in a time, or in its whole time limit."""
        return gpu_hours(gpu_count(self.gres), self.time_limit if time is None else time)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory:
    """A directory of private data that named challenges may mount read-only."""

    name: str
    path: PurePosixPath
    challenges: frozenset[str]
    measure: bool = False
    """Whether results refer to what is in it, by its digest."""
    recheck: timedelta = timedelta(days=7)
    """After this it is measured again."""
    profile: str | None = None
    """Where it is measured; in the profile in which images are made where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SifPolicy:
    """Which SIFs the site makes images of."""

    taken: bool = True
    keys: tuple[str, ...] = ()
    """Public keys as PEM texts: where there are any, one of them has to have signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Everything a site offers to its challenges, by name."""

    profiles: dict[str, Profile]
    build_profiles: Mapping[str, str]
    """The profile in which images are made, by cluster."""
    data: dict[str, DataDirectory]
    upload_limit: int
    output_limit: int
    output_files: int
    weights_limit: int = 100 * 1024**3
    """Bytes that all weights of a team may have in a challenge."""
    scratch_limit: int = 16 * 1024**3
    """Bytes that a run may have in its own /tmp and /var/tmp."""
    disk: Literal["auto", "fixed", "watched"] = "auto"
    """How what a run writes is bounded."""
    process_limit: int = 4096
    """Processes and threads that a run may have at once."""
    sif: SifPolicy = SifPolicy()
    """Which SIFs may be submitted."""
    retention: Policy = FOR_EVER
    """How long what belongs to submissions is kept."""
    shares: Mapping[str, Share] = field(default_factory=dict)
    """What a challenge may take of the cluster, by its slug."""

    def sample_profile(self, predict: str) -> str:
        """Return where runs on the sample are made of tasks that predict in a profile."""
        profile = self.profiles.get(predict)
        return predict if profile is None else profile.sample or predict

    def share_of(self, slug: str) -> Share:
        """Return what a challenge may take; everything, where the site says nothing."""
        return self.shares.get(slug, UNLIMITED)
