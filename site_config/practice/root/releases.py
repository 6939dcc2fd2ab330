"""The releases of Slurm that a practice site can run, and all that differs between them.

Every difference in packages, configuration or daemons is decided here and nowhere else.
"""

from dataclasses import dataclass

from site_config.practice.errors import PracticeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of Slurm, as one suite of Debian has it."""

    name: str
    """The release line, as ``24.11``."""
    suite: str
    """The suite of Debian that has it."""
    has_munge: bool = False
    """Whether a daemon named munged makes the credentials; Slurm does so itself since 23.11."""
    private_folders: str = "JobContainerType=job_container/tmpfs"
    """The line of slurm.conf that gives each job its own /tmp, as job_container.conf says."""
    database_socket: str = "/run/mysqld/mysqld.sock"
    """Where MariaDB's programs of this suite look for its server."""
    rest_version: str
    """The newest version of its API that slurmrestd serves and Sealrun speaks."""
    rest_services: str = "slurmctld,slurmdbd"
    """What slurmrestd's ``-s`` names: services, or, before release 23.11, plugins."""
    chooses_private_folders: bool = True
    """Whether job_container.conf knows Dirs; without it /var/tmp is not private."""
    hands_down_controllers: bool = True
    """Whether cgroup.conf knows EnableControllers."""
    spares_addresses: bool = True
    """Whether this suite's sshd makes addresses wait that connect without logging in (since 9.8)."""
    needs_newer_libc: bool = False
    """Whether Apptainer needs a newer C library than this suite has, and brings one along."""
    extra_packages: tuple[str, ...] = ()

    @property
    def auth_type(self) -> str:
        """Slurm's AuthType."""
        return "auth/munge" if self.has_munge else "auth/slurm"

    @property
    def cred_type(self) -> str:
        """Slurm's CredType."""
        return "cred/munge" if self.has_munge else "auth/slurm"


RELEASES = (
    Release(
        name="22.05",
        suite="bookworm",
        has_munge=True,
        rest_version="v0.0.38",
        rest_services="openapi/v0.0.38,openapi/dbv0.0.38",
        chooses_private_folders=False,
        hands_down_controllers=False,
        spares_addresses=False,
        needs_newer_libc=True,
        extra_packages=("munge",),
    ),
    Release(name="24.11", suite="trixie", rest_version="v0.0.42"),
    Release(
        name="26.05",
        suite="sid",
        # job_container/tmpfs still works there, with a warning.
        private_folders="NamespaceType=namespace/tmpfs",
        database_socket="/run/mariadbd/mysqld.sock",
        rest_version="v0.0.45",
    ),
)
DEFAULT_RELEASE = "24.11"
RELEASE_NAMES = tuple(release.name for release in RELEASES)


def release_named(name: str) -> Release:
    """Return the release line *name*; raises PracticeError for one that no site can run."""
    for release in RELEASES:
        if release.name == name:
            return release
    raise PracticeError(f"no Slurm {name!r} to practise on; there are {', '.join(RELEASE_NAMES)}")
