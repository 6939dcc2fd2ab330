"""Lays out the bundle that somebody proposes: of a zip, or of an earlier revision with some of its files changed.

Only what ``challenge.yaml`` names is taken; the rest is listed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from portal.domain.challenges.revisions import SETTINGS, BundleFile
from portal.files.archives.members import ArchiveLimits, Member, opened_members
from portal.files.bundles.intake import Intake
from portal.files.errors import BadArchiveError
from portal.files.store import Incoming
from portal.services.challenges.bundles.revisions import RevisionContent
from site_config.bundle import (
    PAGE_LIMIT,
    Bundle,
    large_files,
    pictures_of,
    read_bundle,
    samples_of,
    text_files,
    texts_in,
)
from site_config.pictures import MAX_PICTURE_BYTES
from site_config.yaml_document import SIZE_LIMIT

MAX_FILES = 100_000
"""Files and directories that a zip may list."""
NO_SETTINGS = "The zip holds no challenge.yaml, neither at its top nor in its only folder."

ReadStored = Callable[[str], bytes]
"""Gives a text that the store has, by its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """A bundle whose settings have the right form, with its files in the intake."""

    bundle: Bundle
    settings: str
    """The text of ``challenge.yaml``."""
    left_out: tuple[str, ...] = ()
    """Files that came and that nothing names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is otherwise than in an earlier revision."""

    settings: str | None = None
    texts: Mapping[PurePosixPath, str] = field(default_factory=dict)
    uploads: Mapping[PurePosixPath, Incoming] = field(default_factory=dict)


def lay_zip(intake: Intake, zipped: Path, *, max_bytes: int) -> LaidOut:
    """Lay out a zipped bundle, also where all of it lies in one folder.

    Raises ``BadArchiveError``, ``SettingsError`` for settings that are not of the form, and what the store raises.
    """
    with opened_members(zipped, ArchiveLimits(files=MAX_FILES, size=max_bytes)) as members:
        return _Zip(intake, members, _top(members)).lay_out()


def lay_changed(
    intake: Intake,
    before: RevisionContent,
    changes: Changes,
    stored: ReadStored,
    *,
    max_bytes: int,
) -> LaidOut:
    """Lay out a revision with some of its files changed; of what is as it was only texts are read again.

    Raises ``SettingsError`` for settings that are not of the form, ``BadArchiveError`` for a sample that is none, and
    what ``stored`` and the store raise.
    """
    settings = before.settings if changes.settings is None else changes.settings
    bundle = _bundle(intake, settings.encode())
    change = _Change(intake, before.files, changes, stored, max_bytes)
    challenge = bundle.challenge
    for path in text_files(challenge):
        change.lay_read(path)
    for path in pictures_of(challenge, texts_in(challenge, intake.place)):
        change.lay_read(path)
    for path in large_files(challenge):
        change.lay(path)
    for path in samples_of(challenge):
        change.lay_sample(path)
    return LaidOut(bundle=bundle, settings=settings)


@dataclass(frozen=True, slots=True)
class _Change:
    """Lays out each file as it was, or as it is to become."""

    intake: Intake
    before: Mapping[str, BundleFile]
    changes: Changes
    stored: ReadStored
    max_bytes: int

    def lay_read(self, path: PurePosixPath) -> None:
        """Lay out what the checks read."""
        known = self.before.get(str(path))
        if path in self.changes.uploads:
            upload = self.changes.uploads[path]
            self.intake.lay_upload_to_read(path, upload, most=MAX_PICTURE_BYTES)
        elif path in self.changes.texts:
            self.intake.lay_text(path, self.changes.texts[path].encode())
        elif known is not None and not known.is_directory:
            self.intake.lay_text(path, self.stored(known.sha256))

    def lay(self, path: PurePosixPath) -> None:
        """Lay out a file that may be large."""
        known = self.before.get(str(path))
        if path in self.changes.uploads:
            self.intake.lay_upload(path, self.changes.uploads[path])
        elif known is not None:
            self.intake.lay_known(path, known)

    def lay_sample(self, path: PurePosixPath) -> None:
        """Lay out a sample, of which the archive of a folder may come."""
        if path in self.changes.uploads:
            upload = self.changes.uploads[path]
            _lay_packed_sample(self.intake, path, upload, max_bytes=self.max_bytes)
        else:
            self.lay(path)


def _bundle(intake: Intake, settings: bytes) -> Bundle:
    (intake.place / SETTINGS).write_bytes(settings)
    return read_bundle(intake.place)


def _lay_packed_sample(
    intake: Intake, path: PurePosixPath, upload: Incoming, *, max_bytes: int
) -> None:
    limits = ArchiveLimits(files=MAX_FILES, size=max_bytes)
    with opened_members(upload.written(), limits) as members:
        intake.lay_sample(path, members.values(), _only_folder(members))


class _Zip:
    """The members of a zipped bundle below the folder in which all of it lies."""

    def __init__(
        self, intake: Intake, members: Mapping[PurePosixPath, Member], top: PurePosixPath
    ) -> None:
        self._intake, self._members, self._top = intake, members, top

    def lay_out(self) -> LaidOut:
        bundle = _bundle(self._intake, self._beginning(PurePosixPath(SETTINGS), SIZE_LIMIT))
        challenge = bundle.challenge
        texts, large, samples = (
            dict.fromkeys(paths)
            for paths in (text_files(challenge), large_files(challenge), samples_of(challenge))
        )
        for path in filter(self._file, texts):
            self._intake.lay_text(path, self._beginning(path, PAGE_LIMIT))
        pictures = pictures_of(challenge, texts_in(challenge, self._intake.place))
        for path in filter(self._file, pictures):
            self._intake.lay_text(path, self._beginning(path, MAX_PICTURE_BYTES))
        for path in large:
            if member := self._file(path):
                self._intake.lay_file(path, member.chunks())
        for path in samples:
            self._lay_sample(path)
        named = {PurePosixPath(SETTINGS), *texts, *pictures, *large}
        return LaidOut(
            bundle=bundle,
            settings=(self._intake.place / SETTINGS).read_text(encoding="utf-8-sig"),
            left_out=tuple(self._left_out(named, samples)),
        )

    def _file(self, path: PurePosixPath) -> Member | None:
        member = self._members.get(self._top / path)
        return None if member is None or member.is_directory else member

    def _beginning(self, path: PurePosixPath, most: int) -> bytes:
        """Return a file of at most ``most`` bytes; of a longer one so much that the checks see that it is."""
        content = bytearray()
        for chunk in self._members[self._top / path].chunks():
            content += chunk
            if len(content) > most:
                break
        return bytes(content[: most + 1])

    def _lay_sample(self, path: PurePosixPath) -> None:
        top = self._top / path
        below = [member for name, member in self._members.items() if top in name.parents]
        if below:
            self._intake.lay_sample(path, below, top)

    def _left_out(
        self, named: set[PurePosixPath], samples: Iterable[PurePosixPath]
    ) -> Iterator[str]:
        folders = {self._top / sample for sample in samples}
        for name, member in self._members.items():
            inner = name.relative_to(self._top) if self._top in name.parents else name
            if not (member.is_directory or inner in named or folders & {*name.parents}):
                yield str(inner)


def _top(members: Mapping[PurePosixPath, Member]) -> PurePosixPath:
    """Return the folder in which ``challenge.yaml`` lies: the top, or the only folder there."""
    for top in (PurePosixPath(), _only_folder(members)):
        member = members.get(top / SETTINGS)
        if member is not None and not member.is_directory:
            return top
    raise BadArchiveError("no_settings", NO_SETTINGS)


def _only_folder(members: Mapping[PurePosixPath, Member]) -> PurePosixPath:
    """Return the one folder in which everything lies, or the top."""
    tops = {path.parts[0] for path in members}
    is_nested = len(tops) == 1 and all(
        len(path.parts) > 1 for path, member in members.items() if not member.is_directory
    )
    return PurePosixPath(*tops) if is_nested else PurePosixPath()
