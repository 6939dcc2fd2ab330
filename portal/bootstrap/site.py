"""A site whose settings are read, with its database and its store opened."""

import hashlib
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from portal.bootstrap.resources import resources_of
from portal.db import schema
from portal.db.engine import Database, open_database
from portal.domain.accounts import people
from portal.domain.accounts.people import Actor
from portal.domain.challenges.profiles import Resources
from portal.domain.errors import OperatorError
from portal.files.store import Store
from site_config.site import Cluster as ClusterSettings
from site_config.site import Site
from site_config.site_loader import load_site

_OFFERED = {"profiles", "data", "limits", "images", "retention", "shares"}
"""The sections of ``site.yaml`` that challenges and submissions depend on."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A site with its settings read and its database and store opened."""

    settings: Site
    database: Database
    store: Store
    resources: Resources
    clock: Callable[[], datetime] = _now

    @property
    def version(self) -> str:
        """Return what tells what is offered here from other settings, however they are written: 16 hexadecimal digits.

        Web and worker may have the rest otherwise, such as paths of their own hosts.
        """
        offered = self.settings.model_dump_json(include=_OFFERED)
        return hashlib.sha256(offered.encode()).hexdigest()[:16]


def open_site(path: Path) -> Installation:
    """Read ``site.yaml`` and open what it names. Raises ``SettingsError`` and ``OperatorError``."""
    settings = read_settings(path)
    return Installation(
        settings=settings,
        database=open_database(settings.database.url),
        store=store_of(settings, first_cluster(settings)[0]),
        resources=resources_of(settings),
    )


def read_settings(path: Path) -> Site:
    """Read ``site.yaml`` and open nothing. Raises ``SettingsError`` and ``OperatorError``."""
    return load_site(path)


def first_cluster(settings: Site) -> tuple[str, ClusterSettings]:
    """Return the cluster whose storage also holds the uploads."""
    return next(iter(settings.clusters.items()))


def store_of(settings: Site, cluster: str) -> Store:
    """Return the uploads on a cluster's storage."""
    place = settings.clusters[cluster].storage / "blobs"
    return Store(place, for_group=settings.accounts.web is not None)


def operator() -> Actor:
    """Return whoever runs this command: the one place where operators come from."""
    account = os.geteuid()
    try:
        return people.operator(pwd.getpwuid(account).pw_name)
    except KeyError:
        return people.operator(str(account))


def check_schema(site: Installation) -> None:
    """Refuse to run on a database that misses a migration."""
    if not schema.is_current(site.database):
        raise OperatorError("the database misses migrations: run 'sealrun db upgrade' first")
