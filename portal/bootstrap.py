"""The one place that reads the site's settings and picks adapters."""

import os
import pwd
import socket
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from containers.interface import Node
from containers.probe import write_probe_archive
from portal.db import schema
from portal.db.engine import Database, open_database
from portal.db.tables import Image
from portal.domain import people
from portal.domain.errors import OperatorError
from portal.domain.gates import Gate
from portal.domain.jobs import ImageKind
from portal.domain.login_profiles import LoginProfile
from portal.domain.people import Actor
from portal.domain.profiles import DataDirectory, Profile, Resources, SifPolicy
from portal.domain.retention import KEYS, Kept, Policy
from portal.domain.sessions import SessionLimits
from portal.domain.shares import Share
from portal.files.crates import Publisher
from portal.files.errors import BadArchive
from portal.files.image_keys import read_image_key
from portal.files.orders import Orders
from portal.files.samples import pack_sample, unpack_sample
from portal.files.seals import PublicKey, Sealer, read_public_key, read_sealer
from portal.files.store import Store
from portal.services import challenges, images, orders
from portal.services.challenges import Material
from portal.services.submissions import Upload
from portal.web.context import Provider, Rates, SiteTerms, WebContext
from portal.worker.context import Cluster, WorkerContext
from portal.worker.pacing import Pace
from scheduler.commands import SlurmCommands
from scheduler.files import Files, SharedFiles
from scheduler.interface import Scheduler
from scheduler.local import LocalTransport
from scheduler.pyslurm_adapter import SlurmPyslurm
from scheduler.pyslurm_child import PyslurmChild
from scheduler.rest import SlurmRest
from scheduler.rest_client import RestClient
from scheduler.ssh import SshTransport
from scheduler.ssh_connection import Hop
from scheduler.ssh_files import SftpFiles
from scheduler.transport import Transport
from site_config import gates
from site_config.bundle import load_challenge
from site_config.loader import load_site, read_secret
from site_config.model import Cluster as ClusterSettings
from site_config.model import Images, Periods, Site


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
    settings = read_settings(path)
    return Installation(
        settings=settings,
        database=open_database(settings.database.url),
        store=_store(settings, _first_cluster(settings)[0]),
        resources=_resources(settings),
    )


def read_settings(path: Path) -> Site:
    """Read ``site.yaml`` and open nothing. Raises ``SettingsError`` and ``OperatorError``."""
    return load_site(path)


def _first_cluster(settings: Site) -> tuple[str, ClusterSettings]:
    """Return the cluster whose storage also holds the uploads."""
    return next(iter(settings.clusters.items()))


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


def _resources(settings: Site) -> Resources:
    return Resources(
        profiles={name: profile_of(settings, name) for name in settings.profiles},
        build_profiles={name: cluster.build for name, cluster in settings.clusters.items()},
        data={
            name: DataDirectory(
                name=name,
                path=PurePosixPath(data.path),
                challenges=frozenset(data.challenges),
                measure=data.measure,
                recheck=data.recheck,
                profile=data.profile,
            )
            for name, data in settings.data.items()
        },
        upload_limit=settings.limits.upload,
        weights_limit=settings.limits.weights,
        output_limit=settings.limits.output,
        output_files=settings.limits.output_files,
        scratch_limit=settings.limits.scratch,
        sif=_sif_policy(settings.images),
        retention=Policy(
            default=_periods(settings.retention.default),
            longest=_periods(settings.retention.longest),
            refused=settings.retention.refused,
        ),
        shares={slug: Share(**dict(share)) for slug, share in settings.shares.items()},
    )


def _sif_policy(images: Images) -> SifPolicy:
    try:
        keys = tuple(read_image_key(file) for file in images.keys)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"images.keys: {problem}") from problem
    return SifPolicy(taken=images.sif != "refuse", keys=keys)


def _periods(periods: Periods) -> dict[Kept, timedelta]:
    said = dict(periods)
    return {kind: said[key] for kind, key in KEYS.items() if said[key] is not None}


def profile_of(settings: Site, name: str) -> Profile:
    """Return a profile with the account and the qos that its jobs get."""
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
                profile=LoginProfile(provider.profile),
                scopes=provider.scopes,
                claims=provider.claims,
                clock_skew=provider.clock_skew,
                logout=provider.logout,
                require=_gates(provider.require),
                staff=_rule(provider.staff),
            )
            for provider in site.settings.login.providers
        ),
        clock=site.clock,
        gates=_gates(site.settings.login.require),
        terms=_terms(site.settings),
        seal_keys=published_keys(site.settings),
        session_limits=SessionLimits(
            idle=site.settings.login.sessions.idle, longest=site.settings.login.sessions.longest
        ),
        rates=Rates(**site.settings.login.rates.model_dump()),
    )


def _gates(rules: Iterable[gates.Gate]) -> tuple[Gate, ...]:
    return tuple(
        Gate(title=gate.rule, claims=_rule(gate.claims), ask=gate.ask or "") for gate in rules
    )


def _terms(settings: Site) -> SiteTerms:
    terms = settings.login.terms
    if terms is None:
        return SiteTerms()
    return SiteTerms(version=terms.version, markdown=terms.file.read_text(encoding="utf-8"))


def _secret(file: Path, *, key: str = "client_secret_file") -> str:
    try:
        return read_secret(file)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"{key}: {problem}") from problem


def _rule(claims: dict[str, str | tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: (want,) if isinstance(want, str) else want for key, want in claims.items()}


def worker_contexts(site: Installation) -> list[WorkerContext]:
    """Return one context per cluster; makes sure that the probe's images are on their way."""
    return [_worker_context(site, name) for name in site.settings.clusters]


def _worker_context(site: Installation, name: str) -> WorkerContext:
    probe, cluster = ensure_probe(site, name), _cluster(site.settings, name)
    return WorkerContext(
        database=site.database,
        store=site.store,
        stores=tuple(_store(site.settings, cluster) for cluster in site.settings.clusters),
        resources=site.resources,
        cluster=cluster,
        orders=orders_of_site(site),
        sealer=_sealer(site.settings),
        probe_image_id=probe.id,
        probe_source=probe.source_sha256,
        holder=f"{socket.gethostname()}:{os.getpid()}",
        idle_pause=site.settings.worker.poll,
        pace=Pace(slowest=site.settings.worker.slowest, ceiling=site.settings.worker.ceiling),
        clock=site.clock,
    )


def _store(settings: Site, cluster: str) -> Store:
    """Return the uploads on a cluster's storage."""
    place = settings.clusters[cluster].storage / "blobs"
    return Store(place, for_group=settings.accounts.web is not None)


def _cluster(settings: Site, name: str) -> Cluster:
    chosen = settings.clusters[name]
    transport = transport_of(chosen)
    return Cluster(
        name=name,
        scheduler=scheduler_of(chosen, transport),
        files=files_of(chosen, transport),
        storage=chosen.storage,
        store=_store(settings, name),
        grace=settings.grace.submit,
        absence=settings.grace.absent,
        lag=timedelta(seconds=30),
        node=Node(minimum=chosen.apptainer.minimum),
        wheelhouse=chosen.wheelhouse,
    )


def scheduler_of(cluster: ClusterSettings, transport: Transport | None = None) -> Scheduler:
    """Return the adapter that a cluster's settings ask for; commands go through a transport."""
    if cluster.slurm.interface == "pyslurm":
        return SlurmPyslurm(PyslurmChild())
    if rest := cluster.slurm.rest:
        _secret(rest.token_file, key="token_file")
        return SlurmRest(RestClient(**rest.model_dump(exclude_none=True)))
    return SlurmCommands(transport or transport_of(cluster))


def files_of(cluster: ClusterSettings, transport: Transport) -> Files:
    """Return how files get to a cluster's nodes: by themselves, or by SFTP."""
    if cluster.files == "sftp" and isinstance(transport, SshTransport):
        return SftpFiles(transport)
    return SharedFiles()


def transport_of(cluster: ClusterSettings) -> Transport:
    """Return the way to the machine that has Slurm's commands."""
    ssh = cluster.connect.ssh
    if ssh is None:
        return LocalTransport()
    return SshTransport(
        host=ssh.host,
        port=ssh.port,
        user=ssh.user,
        key_file=ssh.key_file,
        known_hosts=ssh.known_hosts,
        jump=Hop(**ssh.jump.model_dump()) if ssh.jump else None,
    )


def _sealer(settings: Site) -> Sealer | None:
    file = settings.seal.key_file
    if file is None:
        return None
    try:
        return read_sealer(file)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"seal.key_file: {problem}") from problem


def published_keys(settings: Site) -> tuple[PublicKey, ...]:
    """Return the keys with which anybody can check what the site has signed."""
    try:
        return tuple(read_public_key(file) for file in settings.seal.public_keys)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"seal.public_keys: {problem}") from problem


def publisher_of(settings: Site) -> Publisher:
    """Return whose site an export comes from, and with which keys its records are checked."""
    keys = {key.id: key.pem for key in published_keys(settings)}
    return Publisher(name=settings.site.name, url=settings.site.url, keys=keys)


def orders_of_site(site: Installation) -> Orders:
    """Return where the orders lie: out of reach of the web process."""
    return Orders(_first_cluster(site.settings)[1].storage / "orders")


def ensure_probe(site: Installation, cluster: str) -> Image:
    """Store the probe's archive and return its image on a cluster, which may still have to be built."""
    with tempfile.TemporaryDirectory(prefix="sealrun-probe-") as folder:
        archive = Path(folder, "probe.tar")
        write_probe_archive(site.settings.probe.busybox, archive)
        stored = site.store.add(archive)
    with site.database.writing() as session:
        now = site.clock()
        images.keep_blob(session, sha256=stored.sha256, size=stored.size, now=now)
        return images.image_of(
            session,
            kind=ImageKind.ARCHIVE,
            source_sha256=stored.sha256,
            cluster=cluster,
            now=now,
        )


def _pack_sample(site: Installation, directory: Path) -> Upload:
    with tempfile.TemporaryDirectory(prefix="sealrun-sample-") as folder:
        packed = Path(folder, "sample.tar")
        pack_sample(directory, packed)
        try:
            unpack_sample(packed, Path(folder, "tried"), max_bytes=site.resources.upload_limit)
        except BadArchive as problem:
            raise OperatorError(f"{directory} cannot be a sample: {problem.sentence}") from problem
        stored = site.store.add(packed)
    return Upload(sha256=stored.sha256, size=stored.size)


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
        if task.sample:
            archives[task.sample] = _pack_sample(site, directory / task.sample)
    with site.database.writing() as session:
        challenges.add_challenge(
            session,
            actor=operator(),
            described=described,
            material=Material(texts=texts, archives=archives),
            resources=site.resources,
            now=site.clock(),
        )
        orders_of_site(site).put(described.slug, orders.orders_of(session, described.slug))
    return described.slug
