"""A cluster: its adapter, the way to it, and how files get there.

What only some clusters need is imported where one needs it: the libraries of SSH and HTTP take 15 MiB.
"""

from datetime import timedelta

from containers.interface import Node
from portal.bootstrap.secrets import secret_in
from portal.bootstrap.site import store_of
from portal.worker.context import Cluster
from scheduler.commands.adapter import SlurmCommands
from scheduler.files import Files, SharedFiles
from scheduler.interface import Scheduler
from scheduler.local import LocalTransport
from scheduler.transport import Transport
from site_config.site import Cluster as ClusterSettings
from site_config.site import Site


def cluster_of(settings: Site, name: str) -> Cluster:
    """Return a cluster with its adapter and its storage. Raises ``OperatorError``."""
    chosen = settings.clusters[name]
    transport = transport_of(chosen)
    return Cluster(
        name=name,
        scheduler=scheduler_of(chosen, transport),
        files=files_of(chosen, transport),
        storage=chosen.storage,
        store=store_of(settings, name),
        grace=settings.grace.submit,
        absence=settings.grace.absent,
        lag=timedelta(seconds=30),
        node=Node(minimum=chosen.apptainer.minimum),
        wheelhouse=chosen.wheelhouse,
    )


def scheduler_of(cluster: ClusterSettings, transport: Transport | None = None) -> Scheduler:
    """Return the adapter that a cluster's settings ask for; commands go through a transport."""
    if cluster.slurm.interface == "pyslurm":
        from scheduler.pyslurm.adapter import SlurmPyslurm  # noqa: PLC0415
        from scheduler.pyslurm.child import PyslurmChild  # noqa: PLC0415

        return SlurmPyslurm(PyslurmChild(), accounting=PyslurmChild())
    if rest := cluster.slurm.rest:
        from scheduler.slurmrestd.adapter import SlurmRest  # noqa: PLC0415
        from scheduler.slurmrestd.client import RestClient  # noqa: PLC0415

        secret_in(rest.token_file, key="token_file")
        return SlurmRest(RestClient(**rest.model_dump(exclude_none=True)))
    return SlurmCommands(transport or transport_of(cluster))


def files_of(cluster: ClusterSettings, transport: Transport) -> Files:
    """Return how files get to a cluster's nodes: by themselves, or by SFTP."""
    if cluster.files == "sftp":
        from scheduler.ssh.files import SftpFiles  # noqa: PLC0415
        from scheduler.ssh.transport import SshTransport  # noqa: PLC0415

        if isinstance(transport, SshTransport):
            return SftpFiles(transport)
    return SharedFiles()


def transport_of(cluster: ClusterSettings) -> Transport:
    """Return the way to the machine that has Slurm's commands."""
    ssh = cluster.connect.ssh
    if ssh is None:
        return LocalTransport()
    from scheduler.ssh.connection import Hop  # noqa: PLC0415
    from scheduler.ssh.transport import SshTransport  # noqa: PLC0415

    return SshTransport(
        host=ssh.host,
        port=ssh.port,
        user=ssh.user,
        key_file=ssh.key_file,
        known_hosts=ssh.known_hosts,
        jump=Hop(**ssh.jump.model_dump()) if ssh.jump else None,
    )
