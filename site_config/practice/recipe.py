"""What the site's root is made of. A change here gives the root a new key, so that it is built anew."""

import hashlib
import json
from dataclasses import dataclass

SUITE = "trixie"
# Apptainer is in no stable release of Debian; this suite has it, and its package runs on trixie.
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
    edition: int = (
        1  # raise it when the code of roots.py builds something different from the same lists
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
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

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
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in self.unwanted_paths),
            self.suite,
            target,
            *([mirror] if mirror else []),
        ]
