"""What the site's root is made of. A change here gives the root a new key, so that it is built anew."""

import hashlib
import json
from dataclasses import dataclass

from site_config.practice.root.releases import DEFAULT_RELEASE, Release, release_named

SUITE = release_named(DEFAULT_RELEASE).suite
# Apptainer is in no stable release of Debian; this suite has it, and its package runs on the others.
APPTAINER_SUITE = "sid"

PACKAGES = (
    "ca-certificates",
    "slurmctld",
    "slurmd",
    "slurm-client",
    "slurmdbd",
    "slurmrestd",
    "slurm-wlm-jwt-plugin",
    "mariadb-server",
    "openssh-server",
    "iproute2",
    "procps",
    "python3",
    "util-linux",
    "tar",
    "bzip2",
    "xz-utils",
    "busybox-static",
    "squashfs-tools",
    "squashfuse",
    "e2fsprogs",
    "fuse2fs",
    "fuse-overlayfs",
    "uidmap",
    "libseccomp2",
)

# Manual pages and the like are of no use to jobs and are a tenth of the disk and of the time.
UNWANTED_PATHS = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
)

# mmdebstrap leaves these behind: the database is made in the site's own state, caches are dead weight.
EMPTIED = ("var/lib/mysql", "var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "var/log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides what the built root holds, besides the day on which it is built."""

    suite: str = SUITE
    apptainer_suite: str = APPTAINER_SUITE
    packages: tuple[str, ...] = PACKAGES
    unwanted_paths: tuple[str, ...] = UNWANTED_PATHS
    emptied: tuple[str, ...] = EMPTIED
    newer_libc: bool = False
    """Take the C library from Apptainer's suite too; programs for an older one run on it."""
    edition: int = (
        1  # raise it when the code of roots.py builds something different from the same lists
    )

    @classmethod
    def of(cls, release: Release) -> "Recipe":
        """Return the recipe of a root with this release of Slurm."""
        return cls(
            suite=release.suite,
            packages=(*PACKAGES, *release.extra_packages),
            newer_libc=release.needs_newer_libc,
        )

    @property
    def key(self) -> str:
        """The recipe's fingerprint, which names the root's folder."""
        parts = [
            self.suite,
            self.apptainer_suite,
            list(self.packages),
            list(self.unwanted_paths),
            list(self.emptied),
            self.edition,
        ]
        if self.newer_libc:
            parts.append("newer libc")
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def is_moving(self) -> bool:
        """Whether the suite changes every day."""
        return self.suite == APPTAINER_SUITE

    @property
    def apptainer(self) -> list[str]:
        """The words after `apt-get install` that bring Apptainer into the root."""
        if self.newer_libc:
            return [f"--target-release={self.apptainer_suite}", "apptainer"]
        return [f"apptainer/{self.apptainer_suite}"]

    def mmdebstrap(self, target: str, mirror: str | None) -> list[str]:
        """Return the argv that makes the root in the folder *target*; without a mirror it chooses its own."""
        return [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--include=" + ",".join(self.packages),
            "--aptopt=APT::Install-Recommends false",
            "--aptopt=Acquire::Languages none",
            "--aptopt=Acquire::Retries 3",
            # A mirror of this suite may be some days behind, which its signature would otherwise forbid.
            *(["--aptopt=Acquire::Check-Valid-Until false"] if self.is_moving else []),
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in self.unwanted_paths),
            self.suite,
            target,
            *([mirror] if mirror else []),
        ]
