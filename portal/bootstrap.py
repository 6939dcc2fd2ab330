"""The one place that reads the site's settings and picks adapters."""

import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from containers.interface import Node
from containers.probe import write_probe_archive
from portal.db import schema
from portal.db.engine import Database, open_database
from portal.domain.errors import OperatorError
from portal.domain.jobs import ImageKind
from portal.domain.profiles import DataDirectory, Profile, Resources
from portal.files.store import Store
from portal.services import challenges, images
from portal.services.challenges import Material
from portal.services.submissions import Upload
from portal.web.context import Provider, WebContext
from portal.worker.context import Cluster, WorkerContext
from scheduler.commands import SlurmCommands
from scheduler.interface import Scheduler
from scheduler.local import LocalTransport
from scheduler.ssh import SshTransport
from scheduler.transport import Transport
from site_config.bundle import load_challenge
from site_config.loader import load_site, read_secret
from site_config.model import Cluster as ClusterSettings
from site_config.model import Site


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


def open_site(path: Path) -> Installation:
    """Read ``site.yaml`` and open what it names. Raises ``SettingsError`` and ``OperatorError``."""
    settings = load_site(path)
    if len(settings.clusters) > 1:
        raise OperatorError(f"{path}: clusters: more than one cluster is not yet available")
    return Installation(
        settings=settings,
        database=open_database(settings.database.url),
        store=Store(_first_cluster(settings)[1].storage / "blobs"),
        resources=_resources(settings),
    )


def _first_cluster(settings: Site) -> tuple[str, ClusterSettings]:
    """Return the cluster whose storage also holds the uploads."""
    return next(iter(settings.clusters.items()))


def check_schema(site: Installation) -> None:
    """Refuse to run on a database that misses a migration."""
    if not schema.is_current(site.database):
        raise OperatorError("the database misses migrations: run 'sealrun db upgrade' first")


def _resources(settings: Site) -> Resources:
    return Resources(
        profiles={name: _profile(settings, name) for name in settings.profiles},
        build_profile=_first_cluster(settings)[1].build,
        data={
            name: DataDirectory(
                name=name,
                path=PurePosixPath(data.path),
                challenges=frozenset(data.challenges),
            )
            for name, data in settings.data.items()
        },
        upload_limit=settings.limits.upload,
        output_limit=settings.limits.output,
        output_files=settings.limits.output_files,
    )


def _profile(settings: Site, name: str) -> Profile:
    profile = settings.profiles[name]
    slurm = settings.clusters[profile.cluster].slurm
    return Profile(
        name=name,
        cluster=profile.cluster,
        partition=profile.partition,
        cpus=profile.cpus,
        memory_mib=profile.memory // 1024**2,
        time_limit=profile.time,
        gres=profile.gres,
        account=profile.account or slurm.account,
        qos=profile.qos or slurm.qos,
        running=profile.running,
    )


def web_context(site: Installation) -> WebContext:
    """Return what the web application needs."""
    return WebContext(
        database=site.database,
        store=site.store,
        resources=site.resources,
        site_name=site.settings.site.name,
        site_url=site.settings.site.url,
        support=site.settings.site.support,
        providers=tuple(
            Provider(
                id=provider.id,
                title=provider.title,
                issuer=provider.issuer,
                client_id=provider.client_id,
                client_secret=_secret(provider.client_secret_file),
                require=_rule(provider.require),
                staff=_rule(provider.staff),
            )
            for provider in site.settings.login.providers
        ),
        clock=site.clock,
    )


def _secret(file: Path) -> str:
    try:
        return read_secret(file)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"client_secret_file: {problem}") from problem


def _rule(claims: dict[str, str | tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: (want,) if isinstance(want, str) else want for key, want in claims.items()}


def worker_contexts(site: Installation) -> list[WorkerContext]:
    """Return one context per cluster; makes sure that the probe's image is on its way."""
    probe = ensure_probe(site)
    return [
        WorkerContext(
            database=site.database,
            store=site.store,
            resources=site.resources,
            cluster=_cluster(site.settings, name),
            probe_image_id=probe,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            idle_pause=site.settings.worker.poll,
            clock=site.clock,
        )
        for name in site.settings.clusters
    ]


def _cluster(settings: Site, name: str) -> Cluster:
    chosen = settings.clusters[name]
    return Cluster(
        name=name,
        scheduler=scheduler_of(chosen),
        storage=chosen.storage,
        grace=settings.grace.submit,
        absence=settings.grace.absent,
        lag=timedelta(seconds=30),
        node=Node(minimum=chosen.apptainer.minimum),
    )


def scheduler_of(cluster: ClusterSettings) -> Scheduler:
    """Return the adapter that a cluster's settings ask for."""
    return SlurmCommands(_transport(cluster))


def _transport(cluster: ClusterSettings) -> Transport:
    ssh = cluster.connect.ssh
    if ssh is None:
        return LocalTransport()
    return SshTransport(
        host=ssh.host,
        port=ssh.port,
        user=ssh.user,
        key_file=ssh.key_file,
        known_hosts=ssh.known_hosts,
    )


def ensure_probe(site: Installation) -> str:
    """Store the probe's archive and return the id of its image."""
    with tempfile.TemporaryDirectory(prefix="sealrun-probe-") as folder:
        archive = Path(folder, "probe.tar")
        write_probe_archive(site.settings.probe.busybox, archive)
        stored = site.store.add(archive)
    with site.database.writing() as session:
        now = site.clock()
        images.keep_blob(session, sha256=stored.sha256, size=stored.size, now=now)
        return images.image_of(
            session, kind=ImageKind.ARCHIVE, source_sha256=stored.sha256, now=now
        ).id


def add_challenge(site: Installation, directory: Path) -> str:
    """Take in the challenge in ``directory``; return its slug.

    Raises ``SettingsError`` for what is wrong with the bundle, with file and line.
    """
    described = load_challenge(directory, site.settings)
    pages = [page.file for page in described.pages]
    texts = {
        name: (directory / name).read_text(encoding="utf-8")
        for name in [*pages, *([described.terms] if described.terms else [])]
    }
    archives = {}
    for task in described.tasks.values():
        for archive in filter(None, (task.scorer, task.base)):
            stored = site.store.add(directory / archive.image)
            archives[archive.image] = Upload(sha256=stored.sha256, size=stored.size)
    with site.database.writing() as session:
        challenges.add_challenge(
            session,
            described=described,
            material=Material(texts=texts, archives=archives),
            resources=site.resources,
            now=site.clock(),
        )
    return described.slug
