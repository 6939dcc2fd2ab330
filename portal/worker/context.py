"""What the worker works with; bootstrap fills it in."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from containers.interface import Node
from portal.db.engine import Database
from portal.domain.challenges.profiles import Resources
from portal.domain.errors import UntrustedValueError
from portal.domain.evaluations.file_parts import Part
from portal.domain.untrusted import Id, Sha256
from portal.files.atomic import PART
from portal.files.outputs.removal import remove
from portal.files.private_folders import make_private
from portal.files.seals import Sealer
from portal.files.store import DamagedFileError, Store
from portal.files.task_approvals import Approvals
from portal.worker.file_work.work import AtOnce, FileWork
from portal.worker.polling import Pace
from scheduler.files import FetchLimits, Files
from scheduler.interface import Scheduler, Token


def made_of_upload(storage: Path, blob: Sha256) -> list[Path]:
    """Return what the worker may have made of an upload on a cluster's storage, to be made again by digest."""
    weights = storage / "weights"
    forms = [weights / f"{blob}{form}" for form in ("", ".plain", ".tar", ".zip")]
    return [*forms, storage / "samples" / blob]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster and the storage that it shares with the portal at the same path."""

    name: str
    scheduler: Scheduler
    storage: Path
    store: Store
    """The uploads on its storage: all of them on the first cluster's, and copies of former times elsewhere."""
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

    @property
    def images(self) -> Path:
        """Where SIFs lie, each named by its digest."""
        return self.storage / "images"

    def image(self, sif: Sha256) -> Path:
        """Return where an image lies."""
        return self.images / f"{sif}.sif"

    def note_of_image(self, sif: Sha256) -> Path:
        """Return where it is noted what an image is made of."""
        return self.images / f"{sif}.made-of"

    @property
    def ahead(self) -> Path:
        """Where copies of uploads lie, each named by its digest, before the jobs that they are for are opened."""
        return self.storage / "ahead"

    def copied_ahead(self, blob: Sha256) -> Path:
        """Return where the copy of an upload lies before the job that it is for is opened."""
        return self.ahead / blob

    @property
    def weights(self) -> Path:
        """Where weights lie, each named by its digest."""
        return self.storage / "weights"

    def unpacked_weights(self, blob: Sha256, *, as_zip: bool) -> Path:
        """Return where an archive of weights is unpacked; zips only are where their name asks for it."""
        return self.weights / f"{blob}{'.zip' if as_zip else '.tar'}"

    def plain_weights(self, blob: Sha256) -> Path:
        """Return where weights lie that are one file."""
        return self.weights / f"{blob}.plain"

    def sample(self, blob: Sha256) -> Path:
        """Return where a public sample is unpacked."""
        return self.storage / "samples" / blob

    def manifest(self, snapshot: Id) -> Path:
        """Return where the records of a measurement are kept."""
        return self.storage / "manifests" / snapshot

    def close_to_others(self) -> None:
        """Make the folders that only this account may enter; see ``make_private``."""
        make_private(self.storage)

    def sweep(self, older_than: timedelta, now: datetime) -> None:
        """Remove copies that killed workers left half written."""
        oldest = (now - older_than).timestamp()
        for folder in (self.ahead, self.weights, self.storage / "samples"):
            for part in folder.glob(f"{PART}*"):
                if part.lstat().st_mtime < oldest:
                    remove([part])

    def run_directory(self, job_id: Id, token: Token) -> Path:
        """Return the directory that belongs to one attempt alone."""
        return self.storage / "runs" / job_id / token


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """Everything a pass over one cluster needs."""

    database: Database
    store: Store
    """All uploads."""
    stores: tuple[Store, ...]
    """Those on the storages of all clusters."""
    storages: tuple[Path, ...]
    """The storages of all clusters."""
    resources: Resources
    cluster: Cluster
    approvals: Approvals
    """What operators have approved."""
    sealer: Sealer | None
    """Signs seal records; None on a site without a key."""
    probe_image_id: str
    probe_source: str
    """The digest of the archive that the probe's image is made of."""
    holder: str
    """Names this process in leases: host and process id."""
    settings_version: str
    """Tells the settings it works with from others."""
    idle_pause: timedelta
    """Between passes while there is nothing to watch."""
    pace: Pace
    """How often the cluster may be asked."""
    pauses: tuple[timedelta, ...]
    """Before the second try of what the cluster failed, and before each further one."""
    clock: Callable[[], datetime]
    file_work: FileWork = field(default_factory=AtOnce)
    """Does what takes long with files, beside the passes."""

    @property
    def keeps_uploads(self) -> bool:
        """Whether all uploads lie on this cluster's storage."""
        return self.cluster.store == self.store

    def size_of_upload(self, blob: Sha256) -> int:
        """Return about how many bytes an upload has; 0 where it is not there."""
        try:
            return self.store.path(blob).lstat().st_size
        except OSError:
            return 0

    def take_upload(self, blob: Sha256, target: Path) -> Path:
        """Copy an upload to a place of the worker's own, checked by its digest on the way; return the place.

        Whoever has the web account can change an upload at any moment: nothing but the copy is used.
        Raises ``UntrustedValueError`` where the upload is not what its name says, or not there.
        """
        if not target.exists():
            try:
                self.store.copy(blob, target)
            except (DamagedFileError, FileNotFoundError) as problem:
                raise UntrustedValueError(
                    "blobs", f"not as it was stored ({problem})", blob
                ) from problem
        return target

    def fetch(self, token: Token, part: Part, directory: Path, limits: FetchLimits) -> None:
        """Return when what is in a run directory on the nodes is here, carried beside the passes where it has to be.

        Raises ``FileWorkPendingError`` and ``UnreachableError``.
        """
        files = self.cluster.files
        if not files.is_shared:
            self.file_work.done(token, part, lambda: files.get(directory, limits))

    @contextmanager
    def upload(self, blob: Sha256, folder: Path) -> Iterator[Path]:
        """Give such a copy for a moment, in a folder of the worker's own."""
        with tempfile.TemporaryDirectory(dir=folder, prefix=PART) as own:
            yield self.take_upload(blob, Path(own) / "upload")
