"""Pictures that pages of a challenge show, and files that people download."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.db.tables import Download, Picture
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.permissions import Readers
from portal.services.challenges import access
from portal.services.challenges.access import VisibleChallenge
from portal.services.challenges.context import Frame, look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedFile:
    """A file that the actor may download."""

    name: str
    """In its address on this site; for a file elsewhere the address there."""
    title: str
    is_here: bool
    size: int | None
    """Bytes; None for a file elsewhere."""
    sha256: str | None
    """None where nobody has said what the digest of a file elsewhere is."""
    readers: Readers
    fetched: int | None
    """How often somebody has begun to download it; None for those who do not work for the challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPage:
    """What can be downloaded."""

    frame: Frame
    files: tuple[OfferedFile, ...]
    has_more: bool
    """Whether there are others for participants only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDownload:
    """A file of the store under the name that the organisers gave it."""

    name: str
    sha256: str
    is_counted: bool
    """Whether it is counted how often it is downloaded: nothing of an archived challenge changes."""


def files_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> FilesPage:
    """List the files of a challenge that the actor may download. Raises ``NotFoundError`` for a challenge without any."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    rows = session.scalars(
        select(Download)
        .where(Download.challenge_id == visible.challenge.id)
        .order_by(Download.position)
    ).all()
    if not rows:
        raise NotFoundError
    frame = visible.frame
    readable = [row for row in rows if frame.is_inside or row.readers is Readers.EVERYBODY]
    return FilesPage(
        frame=frame,
        files=tuple(_offered(row, is_counted=frame.may_review) for row in readable),
        has_more=len(readable) < len(rows),
    )


def _offered(row: Download, *, is_counted: bool) -> OfferedFile:
    is_here = row.blob_sha256 is not None
    return OfferedFile(
        name=row.name,
        title=row.title,
        is_here=is_here,
        size=row.size,
        sha256=row.blob_sha256 or row.url_sha256,
        readers=row.readers,
        fetched=row.fetched if is_counted and is_here else None,
    )


def picture(session: Session, *, actor: Actor, slug: str, path: str) -> str:
    """Return the digest of a picture; raise ``NotFoundError`` for one that no page shows which the actor may read."""
    visible = access.find(session, actor, slug)
    row = session.scalar(
        select(Picture).where(Picture.challenge_id == visible.challenge.id, Picture.path == path)
    )
    if row is None or not _may_read(actor, visible, row.readers):
        raise NotFoundError
    return row.blob_sha256


def public_pictures(session: Session, challenge_id: str) -> list[tuple[str, str]]:
    """List the pictures of a challenge that everybody sees: their paths and digests."""
    rows = session.execute(
        select(Picture.path, Picture.blob_sha256)
        .where(Picture.challenge_id == challenge_id, Picture.readers == Readers.EVERYBODY)
        .order_by(Picture.path)
    )
    return [(path, sha256) for path, sha256 in rows]


def download(session: Session, *, actor: Actor, slug: str, name: str) -> StoredDownload:
    """Return a file of the store that the actor may download. Raises ``NotFoundError``."""
    visible = access.find(session, actor, slug)
    row = session.scalar(
        select(Download).where(Download.challenge_id == visible.challenge.id, Download.name == name)
    )
    if row is None or row.blob_sha256 is None or not _may_read(actor, visible, row.readers):
        raise NotFoundError
    return StoredDownload(
        name=row.name,
        sha256=row.blob_sha256,
        is_counted=permissions.may_change(visible.relation),
    )


def count(session: Session, *, actor: Actor, slug: str, name: str) -> None:
    """Count that somebody has begun to download a file. Raises ``NotFoundError``."""
    visible = access.find(session, actor, slug)
    session.execute(
        update(Download)
        .where(Download.challenge_id == visible.challenge.id, Download.name == name)
        .values(fetched=Download.fetched + 1)
    )


def _may_read(actor: Actor, visible: VisibleChallenge, readers: Readers) -> bool:
    return readers is Readers.EVERYBODY or permissions.may_read_inside(
        actor, visible.relation, is_admitted=visible.is_admitted
    )
