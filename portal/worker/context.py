"""What the worker works with; bootstrap fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from containers.interface import Node
from portal.db.engine import Database
from portal.domain.profiles import Resources
from portal.files.store import Store
from scheduler.interface import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster and the storage that it shares with the portal at the same path."""

    name: str
    scheduler: Scheduler
    storage: Path
    grace: timedelta
    """How long both queue and accounting must deny a token before it is given up."""
    absence: timedelta
    """How long a job may be in neither before it counts as lost."""
    lag: timedelta
    """How long files may come after the end of a job."""
    node: Node
    """What the nodes have to offer."""

    @property
    def images(self) -> Path:
        """Where SIFs lie, each named by its digest."""
        return self.storage / "images"

    def run_directory(self, job_id: str, token: str) -> Path:
        """Return the directory that belongs to one attempt alone."""
        return self.storage / "runs" / job_id / token


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """Everything a pass over one cluster needs."""

    database: Database
    store: Store
    resources: Resources
    cluster: Cluster
    probe_image_id: str
    holder: str
    """Names this process in leases: host and process id."""
    idle_pause: timedelta
    """Between passes while there is nothing to watch."""
    clock: Callable[[], datetime]
