"""What the sysadmin offers, as plain values: the portal never sees site.yaml itself."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath


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

    @property
    def has_gpu(self) -> bool:
        """Whether the job is given a GPU."""
        return self.gres is not None and self.gres.split(":")[0] == "gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory:
    """A directory of private data that named challenges may mount read-only."""

    name: str
    path: PurePosixPath
    challenges: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Everything a site offers to its challenges, by name."""

    profiles: dict[str, Profile]
    build_profile: str
    """The profile in which images are made."""
    data: dict[str, DataDirectory]
    upload_limit: int
    output_limit: int
    output_files: int
