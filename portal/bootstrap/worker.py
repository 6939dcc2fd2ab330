"""What the worker needs of each cluster."""

import os
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from containers.probe import write_probe_archive
from portal.bootstrap.approvals import approvals_of_site
from portal.bootstrap.clusters import cluster_of
from portal.bootstrap.secrets import audit_heads_of, sealer_of, secret_in
from portal.bootstrap.site import Installation, store_of
from portal.db.tables import Image
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.mail.letters import SiteFacts
from portal.services.evaluations import images
from portal.worker.audit_watch import AuditWatch
from portal.worker.context import WorkerContext
from portal.worker.file_work.threads import FileThreads
from portal.worker.mail.postman import MailSettings, Postman
from portal.worker.mail.smtp import Security, SmtpMailer
from portal.worker.polling import Pace
from site_config.site import Site


def worker_contexts(site: Installation) -> list[WorkerContext]:
    """Return one context per cluster; makes sure that the probe's images are on their way."""
    return [_worker_context(site, name) for name in site.settings.clusters]


def audit_watch(site: Installation) -> AuditWatch:
    """Return what looks after the audit log."""
    return AuditWatch(
        database=site.database, heads=audit_heads_of(site.settings, signs=True), clock=site.clock
    )


def mailer_of(settings: Site) -> SmtpMailer | None:
    """Return the way to the site's mail server. Raises ``OperatorError`` for a password that is not there."""
    mail = settings.mail
    if mail is None:
        return None
    return SmtpMailer(
        host=mail.host,
        port=mail.port,
        security=Security(mail.security),
        sender=mail.sender,
        hello=urlsplit(settings.site.url).hostname or "localhost",
        user=mail.user or "",
        password=secret_in(mail.password_file, key="mail.password_file")
        if mail.password_file
        else "",
        ca_file=mail.ca_file,
    )


def greet_mail_server(settings: Site) -> None:
    """Connect to the mail server, and log in, without sending anything. Raises ``OSError`` and ``OperatorError``."""
    mailer = mailer_of(settings)
    if mailer is not None:
        with mailer.connect():
            pass


def postman(site: Installation) -> Postman | None:
    """Return what sends mails; None on a site that sends none. Raises ``OperatorError`` for a password that is not there."""
    mail, mailer = site.settings.mail, mailer_of(site.settings)
    if mail is None or mailer is None:
        return None
    return Postman(
        database=site.database,
        settings=MailSettings(
            mailer=mailer,
            site=SiteFacts(name=site.settings.site.name, url=site.settings.site.url),
            domain=mailer.hello,
            per_minute=mail.per_minute,
            keep=mail.keep,
        ),
        holder=_holder(),
        clock=site.clock,
    )


def _holder() -> str:
    """Name this process in leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


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
        holder=_holder(),
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
