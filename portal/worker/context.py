"""What the worker works with; bootstrap fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from containers.interface import Node
from portal.db.engine import Database
from portal.domain.profiles import Resources
from portal.files.orders import Orders
from portal.files.seals import Sealer
from portal.files.store import Store
from portal.worker.pacing import Pace
from scheduler.files import Files
from scheduler.interface import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster and the storage that it shares with the portal at the same path."""

    name: str
    scheduler: Scheduler
    storage: Path
    store: Store
    """The uploads that its nodes see; the first cluster's has all of them."""
    files: Files
    """How files get to the nodes and back."""
    grace: timedelta
    """How long both queue and accounting must deny a token before it is given up."""
    absence: timedelta
    """How long a job may be in neither before it counts as lost."""
    lag: timedelta
    """How long files may come after the end of a job."""
    node: Node
    """What the nodes have to offer."""
    wheelhouse: Path | None = None
    """Wheels, as the nodes see them, from which the requirements of code are installed."""

    def uploaded(self, sha256: str, uploads: Store) -> Path:
        """Return an upload as the nodes see it; it is copied here from ``uploads`` where it has to be."""
        path = self.store.path(sha256)
        if not path.exists():
            self.store.add(uploads.path(sha256))
        return path

    @property
    def images(self) -> Path:
        """Where SIFs lie, each named by its digest."""
        return self.storage / "images"

    @property
    def weights(self) -> Path:
        """Where archives of weights are unpacked, each named by its digest."""
        return self.storage / "weights"

    def close_to_others(self) -> None:
        """Make the folders that only this account may enter: the web process can be another's."""
        for folder in (
            self.images,
            self.weights,
            self.storage / "manifests",
            self.storage / "runs",
        ):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)

    def run_directory(self, job_id: str, token: str) -> Path:
        """Return the directory that belongs to one attempt alone."""
        return self.storage / "runs" / job_id / token


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """Everything a pass over one cluster needs."""

    database: Database
    store: Store
    """All uploads."""
    stores: tuple[Store, ...]
    """Those that the nodes of the clusters see, of all clusters."""
    resources: Resources
    cluster: Cluster
    orders: Orders
    """What operators ordered to be run."""
    sealer: Sealer | None
    """Signs seal records; None on a site without a key."""
    probe_image_id: str
    probe_source: str
    """The digest of the archive that the probe's image is made of."""
    holder: str
    """Names this process in leases: host and process id."""
    idle_pause: timedelta
    """Between passes while there is nothing to watch."""
    pace: Pace
    """How often the cluster may be asked."""
    clock: Callable[[], datetime]

    @property
    def keeps_uploads(self) -> bool:
        """Whether all uploads lie on this cluster's storage."""
        return self.cluster.store == self.store
