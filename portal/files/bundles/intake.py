"""Lays a bundle out for checks: its texts as they are, and for what may be large a stand-in.

What comes is written to the store's place for uploads on the way, and is kept or dropped as one. Of what the store has
already nothing is read.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType

from portal.domain.challenges.revisions import BundleFile
from portal.files.archives.members import Member
from portal.files.archives.samples import pack_members
from portal.files.store import Incoming, Store


class Intake(AbstractContextManager["Intake"]):
    """The files of a bundle until somebody has decided. Leaving the ``with`` block without ``commit`` drops them."""

    def __init__(self, store: Store, place: Path) -> None:
        """Lay out in ``place``, an empty directory of the caller's."""
        self.place = place
        self._store = store
        self._coming: dict[PurePosixPath, Incoming] = {}
        self._samples: set[PurePosixPath] = set()
        self._known: dict[PurePosixPath, BundleFile] = {}

    def lay_text(self, path: PurePosixPath, content: bytes) -> None:
        """Take a text as it is."""
        if self._stand_in(path, content):
            self._begin(path).write(content)

    def lay_file(self, path: PurePosixPath, chunks: Iterable[bytes]) -> None:
        """Take a file that may be large. Raises what its source and the store raise."""
        if self._stand_in(path):
            incoming = self._begin(path)
            for chunk in chunks:
                incoming.write(chunk)

    def lay_upload(self, path: PurePosixPath, upload: Incoming) -> None:
        """Take a file that has come whole."""
        if self._stand_in(path):
            self._coming[path] = upload

    def lay_upload_to_read(self, path: PurePosixPath, upload: Incoming, *, most: int) -> None:
        """Take a file that has come whole, with its content for the checks: up to ``most`` bytes and one more."""
        with upload.written().open("rb") as file:
            beginning = file.read(most + 1)
        if self._stand_in(path, beginning):
            self._coming[path] = upload

    def lay_sample(
        self, path: PurePosixPath, members: Iterable[Member], top: PurePosixPath
    ) -> None:
        """Take what lies below ``top`` in an archive. Raises ``BadArchiveError`` for what programs could not be given."""
        if self._stand_in(path, is_directory=True):
            self._samples.add(path)
            pack_members(members, top, self._begin(path))

    def lay_known(self, path: PurePosixPath, file: BundleFile) -> None:
        """Take what the store has already."""
        if self._stand_in(path, is_directory=file.is_directory):
            self._known[path] = file

    def written(self, path: PurePosixPath) -> Path | None:
        """Return where a file that came can be read; None for what is known. Raises ``StorageFullError``."""
        incoming = self._coming.get(path)
        return None if incoming is None else incoming.written()

    def files(self) -> Mapping[str, BundleFile]:
        """Return all that was laid out, as it will be stored."""
        coming = {
            path: BundleFile(
                sha256=incoming.sha256, size=incoming.size, is_directory=path in self._samples
            )
            for path, incoming in self._coming.items()
        }
        return {str(path): file for path, file in (self._known | coming).items()}

    def commit(self) -> None:
        """Put all that came into the store. Raises ``StorageFullError``."""
        for incoming in self._coming.values():
            incoming.commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for incoming in self._coming.values():
            # Without effect on what was kept; one that cannot be dropped keeps none of the others.
            with suppress(OSError):
                incoming.abort()

    def _begin(self, path: PurePosixPath) -> Incoming:
        incoming = self._store.incoming()
        self._coming[path] = incoming
        return incoming

    def _stand_in(
        self, path: PurePosixPath, content: bytes = b"", *, is_directory: bool = False
    ) -> bool:
        """Whether there is a place for it: one that lies in a file has none, and is missed by the checks."""
        place = self.place / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if is_directory:
                place.mkdir()
            else:
                with place.open("xb") as file:
                    file.write(content)
        except (FileExistsError, NotADirectoryError):
            return False
        return True
