"""The practice sites that the contract is tried on: one for each release of Slurm."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from site_config.practice.root.releases import DEFAULT_RELEASE, RELEASE_NAMES
from site_config.practice.site import PracticeSite
from tests.support.cluster.labs import ClusterLab, RestLab, connect
from tests.support.required import required

OTHER_RELEASES = tuple(name for name in RELEASE_NAMES if name != DEFAULT_RELEASE)
PATIENCE = timedelta(seconds=120)


def site_name(release: str) -> str:
    """Return the name of the site with this release, for those that are not the usual one."""
    return f"slurm-{release.replace('.', '')}"


class Clusters:
    """Looks up each site when it is first asked for, and makes a folder on its storage."""

    def __init__(self, usual: Callable[[], dict[str, Any]], tokens: Callable[[], str]) -> None:
        self._usual = usual
        self._tokens = tokens
        self._known: dict[str, tuple[dict[str, Any], PurePosixPath]] = {}

    def lab(self, release: str, way: str) -> ClusterLab:
        """Return the scheduler that reaches this release by ``commands``, ``rest-tcp`` or ``rest-socket``."""
        if release not in self._known:
            self._known[release] = self._open(release)
        site, folder = self._known[release]
        if way == "commands":
            lab = ClusterLab(site, folder, self._tokens)
        else:
            lab = RestLab(site, folder, self._tokens, way.removeprefix("rest-"))
        # The test before may have ended a job in its start, or started a daemon again.
        lab.wait_for_nodes()
        return lab

    def close(self) -> None:
        """Remove the folders with all that jobs left in them."""
        for site, folder in self._known.values():
            _run(site, "rm", "-r", str(folder))

    def _open(self, release: str) -> tuple[dict[str, Any], PurePosixPath]:
        site = self._usual() if release == DEFAULT_RELEASE else _other_site(release)
        storage = PurePosixPath(site["clusters"]["main"]["storage"])
        folder = storage / f"contract-{time.time_ns()}"
        _run(site, "mkdir", str(folder))
        return site, folder


def _other_site(release: str) -> dict[str, Any]:
    name = site_name(release)
    site = PracticeSite(name)
    start = f"sealrun practice up --name {name} --slurm {release}"
    required(f"a practice site with Slurm {release} ('{start}' starts it)", site.status().running)
    settings: dict[str, Any] = yaml.safe_load(Path(site.paths.site_yaml).read_text())
    return settings


def _run(site: dict[str, Any], *argv: str) -> None:
    transport = connect(site)
    transport.run(argv, timeout=PATIENCE)
    transport.close()
