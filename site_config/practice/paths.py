"""Where the practice site keeps what: one folder per site, one cache for all of them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from site_config.practice.errors import PracticeError

DEFAULT_NAME = "practice"
DIRECTORY_VARIABLE = "SEALRUN_PRACTICE_DIR"
CACHE_VARIABLE = "SEALRUN_CACHE_DIR"
DEFAULT_DIRECTORY = Path("/var/lib/sealrun/practice")
DEFAULT_CACHE = Path("/var/cache/sealrun/practice")

# The name becomes part of node names, of a database's table names and of a folder.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
# Jobs have a /tmp of their own, so a folder below one of these would be empty inside a job.
_PRIVATE_IN_JOBS = tuple(
    Path("/", place) for place in ("tmp", "var/tmp", "dev", "proc", "sys", "run")
)


def practice_directory() -> Path:
    """Return the folder that holds all practice sites of this machine."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or DEFAULT_DIRECTORY)


def cache_directory() -> Path:
    """Return the folder that holds the built roots."""
    return Path(os.environ.get(CACHE_VARIABLE) or DEFAULT_CACHE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePaths:
    """The folders and files of one site; `home` holds all of them."""

    home: Path

    @classmethod
    def of(cls, name: str) -> "SitePaths":
        """Return the paths of the site *name*; raises PracticeError when the name or the folder is unfit."""
        if not _NAME.fullmatch(name):
            raise PracticeError(
                f"{name!r} is no name for a site: use 1 to 20 of a-z, 0-9 and -, beginning with a letter"
            )
        directory = practice_directory()
        text = str(directory)
        if not directory.is_absolute() or any(char in text for char in ":,\\\n\"' "):
            raise PracticeError(
                f"{DIRECTORY_VARIABLE}={text!r} must be absolute and without : , \\ quotes or blanks"
            )
        resolved = directory.resolve()
        if any(resolved.is_relative_to(place) for place in _PRIVATE_IN_JOBS):
            raise PracticeError(
                f"{DIRECTORY_VARIABLE} must not be below {resolved.parts[1]}: jobs do not see it there"
            )
        return cls(home=resolved / name)

    @property
    def name(self) -> str:
        """The site's name."""
        return self.home.name

    @property
    def record(self) -> Path:
        """What the site was set up with: address, account, root."""
        return self.home / "site.json"

    @property
    def process(self) -> Path:
        """Which process is the running site's init."""
        return self.home / "init.json"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops the site; beside the folder, so that it survives a purge."""
        return self.home.parent / f".{self.name}.lock"

    @property
    def site_yaml(self) -> Path:
        """The portal's settings for this site."""
        return self.home / "site.yaml"

    @property
    def upper(self) -> Path:
        """What the running site changed in its root; emptied at each start."""
        return self.home / "upper"

    @property
    def work(self) -> Path:
        """Where overlayfs prepares its changes."""
        return self.home / "work"

    @property
    def mount(self) -> Path:
        """Where the root is mounted, in the site's own mount namespace only."""
        return self.home / "root"

    @property
    def verified(self) -> Path:
        """Where the nodes keep from job to job which images were verified: their /run/sealrun."""
        return self.home / "verified"

    @property
    def scratch(self) -> Path:
        """The jobs' private /tmp folders; emptied at each start."""
        return self.home / "scratch"

    @property
    def state(self) -> Path:
        """What survives a stop: the accounting database, slurmctld's state, all keys of the daemons."""
        return self.home / "state"

    @property
    def logs(self) -> Path:
        """One log per daemon."""
        return self.home / "logs"

    @property
    def ssh(self) -> Path:
        """Keys and pinned host key for those who log in."""
        return self.home / "ssh"

    @property
    def secrets(self) -> Path:
        """Secrets of the portal that runs on this site."""
        return self.home / "secrets"

    @property
    def rest(self) -> Path:
        """Where slurmrestd's socket is; emptied at each start."""
        return self.home / "rest"

    @property
    def shared(self) -> Path:
        """The shared file system: at the same path inside and outside."""
        return self.home / "shared"

    @property
    def storage(self) -> Path:
        """The portal's storage on the shared file system."""
        return self.shared / "sealrun"

    @property
    def data(self) -> Path:
        """Private data of challenges on the shared file system."""
        return self.shared / "data"

    @property
    def portal(self) -> Path:
        """The portal's database."""
        return self.home / "portal"
