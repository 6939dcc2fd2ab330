"""What the worker needs of each cluster."""

import os
import socket
import tempfile
from pathlib import Path

from containers.probe import write_probe_archive
from portal.bootstrap.approvals import approvals_of_site
from portal.bootstrap.clusters import cluster_of
from portal.bootstrap.secrets import audit_heads_of, sealer_of
from portal.bootstrap.site import Installation, store_of
from portal.db.tables import Image
from portal.domain.evaluations.jobs import ImageKind
from portal.services.evaluations import images
from portal.worker.audit_watch import AuditWatch
from portal.worker.context import WorkerContext
from portal.worker.file_work.threads import FileThreads
from portal.worker.polling import Pace


def worker_contexts(site: Installation) -> list[WorkerContext]:
    """Return one context per cluster; makes sure that the probe's images are on their way."""
    return [_worker_context(site, name) for name in site.settings.clusters]


def audit_watch(site: Installation) -> AuditWatch:
    """Return what looks after the audit log."""
    return AuditWatch(
        database=site.database, heads=audit_heads_of(site.settings, signs=True), clock=site.clock
    )


def _worker_context(site: Installation, name: str) -> WorkerContext:
    probe, cluster = ensure_probe(site, name), cluster_of(site.settings, name)
    return WorkerContext(
        database=site.database,
        store=site.store,
        stores=tuple(store_of(site.settings, cluster) for cluster in site.settings.clusters),
        storages=tuple(cluster.storage for cluster in site.settings.clusters.values()),
        resources=site.resources,
        cluster=cluster,
        approvals=approvals_of_site(site),
        sealer=sealer_of(site.settings),
        probe_image_id=probe.id,
        probe_source=probe.source_sha256,
        holder=f"{socket.gethostname()}:{os.getpid()}",
        settings_version=site.version,
        idle_pause=site.settings.worker.poll,
        pauses=tuple(site.settings.worker.pauses),
        pace=Pace(slowest=site.settings.worker.slowest, ceiling=site.settings.worker.ceiling),
        clock=site.clock,
        file_work=FileThreads(
            site.settings.worker.files_at_once, site.settings.worker.files_time_limit, site.clock
        ),
    )


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
