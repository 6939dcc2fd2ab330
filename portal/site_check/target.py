"""What is checked: a site's settings, with what every check asks of them."""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.domain.challenges.profiles import Profile
from portal.site_check.adapters import SiteAdapters
from portal.site_check.deadlines import NEVER, Deadline
from site_config.site import Cluster, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A site whose settings could be read."""

    file: Path
    """Its site.yaml."""
    settings: Site
    cluster_name: str
    """The cluster that is looked at."""
    profiles: tuple[Profile, ...]
    """Those that are checked."""
    all_profiles: tuple[Profile, ...]
    """Those of all clusters, whether they are checked or not."""
    build_profile: Profile
    """The one in which images are made."""
    clock: Callable[[], datetime]
    adapters: SiteAdapters
    deadline: Deadline = NEVER
    """When the whole check has to be over."""

    @property
    def cluster(self) -> Cluster:
        """The settings of that cluster."""
        return self.settings.clusters[self.cluster_name]

    @property
    def every_profile(self) -> tuple[Profile, ...]:
        """All profiles of the cluster, whether they are checked or not."""
        return tuple(one for one in self.all_profiles if one.cluster == self.cluster_name)

    @property
    def reading_profiles(self) -> frozenset[str]:
        """The names of those in which private data may be read.

        One that builds images or runs on samples, as the settings say, is taken for one that does not.
        """
        others = {self.cluster.build} | {one.sample for one in self.every_profile}
        return frozenset(one.name for one in self.every_profile) - others

    @property
    def user(self) -> str:
        """The account that submits the jobs, as the cluster calls it."""
        if rest := self.cluster.slurm.rest:
            return rest.user
        if ssh := self.cluster.connect.ssh:
            return ssh.user
        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return str(os.geteuid())

    def place(self, *keys: str) -> str:
        """Return how a key of site.yaml is named as a line to change."""
        return f"{self.file.name}: {'.'.join(keys)}"
