"""Revisions of a challenge: each import is written down with all of its files, and can be looked at again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, ChallengeRevision, Person, RevisionFile
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.revisions import (
    SETTINGS,
    BundleFile,
    FileChange,
    Origin,
    file_changes,
    text_changes,
)
from portal.domain.errors import NotFoundError
from portal.domain.ids import new_id
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.challenges.context import Frame, Visible, look_up
from portal.services.evaluations import images


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionContent:
    """All of a bundle: the text of its settings, and its files by their path."""

    settings: str
    files: Mapping[str, BundleFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRevision:
    """A line in the list of revisions."""

    number: int
    changes: tuple[str, ...]
    origin: Origin
    made_by: str
    """The name of whoever made it; empty: an operator."""
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionList:
    """A page of the revisions of a challenge, the newest first."""

    frame: Frame
    rows: tuple[ListedRevision, ...]
    pages: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPage:
    """One revision, and how it differs from the one before."""

    frame: Frame
    revision: ListedRevision
    settings: tuple[str, ...]
    """The lines of a unified difference of ``challenge.yaml``."""
    files: tuple[FileChange, ...]


def record(
    session: Session,
    *,
    challenge: Challenge,
    content: RevisionContent,
    changes: tuple[str, ...],
    origin: Origin,
    actor: Actor,
    now: datetime,
) -> int:
    """Write down what the bundle of a challenge is now; return the revision's number.

    The challenge's row is locked by the caller. What is as it was in the last one makes no other.
    """
    last = _last(session, challenge.id)
    if last is not None and content_of(session, last) == content:
        return last.number
    row = ChallengeRevision(
        id=new_id(now),
        challenge_id=challenge.id,
        number=last.number + 1 if last else 1,
        settings=content.settings,
        changes=list(changes),
        origin=origin,
        made_by=actor.person_id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    for path, file in content.files.items():
        images.keep_blob(session, sha256=file.sha256, size=file.size, now=now)
        session.add(
            RevisionFile(
                revision_id=row.id,
                path=path,
                blob_sha256=file.sha256,
                size=file.size,
                is_directory=file.is_directory,
            )
        )
    session.flush()
    return row.number


def content_of(session: Session, revision: ChallengeRevision) -> RevisionContent:
    """Return all of a revision."""
    rows = session.scalars(select(RevisionFile).where(RevisionFile.revision_id == revision.id))
    return RevisionContent(
        settings=revision.settings,
        files={
            row.path: BundleFile(
                sha256=row.blob_sha256, size=row.size, is_directory=row.is_directory
            )
            for row in rows
        },
    )


def find(session: Session, slug: str, number: int | None = None) -> ChallengeRevision:
    """Return a revision of a challenge, the last one without a number. Raises ``NotFoundError``."""
    statement = (
        select(ChallengeRevision)
        .join(Challenge, Challenge.id == ChallengeRevision.challenge_id)
        .where(Challenge.slug == slug)
        .order_by(ChallengeRevision.number.desc())
        .limit(1)
    )
    if number is not None:
        statement = statement.where(ChallengeRevision.number == number)
    row = session.scalar(statement)
    if row is None:
        raise NotFoundError
    return row


def revision_list(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> RevisionList:
    """Return a page of the revisions; for whoever works for the challenge. Raises ``NotFoundError``."""
    visible = _visible(session, actor, slug, now)
    mine = ChallengeRevision.challenge_id == visible.challenge.id
    total = session.scalar(select(func.count()).select_from(ChallengeRevision).where(mine)) or 0
    pages = Slice(number=page, total=total)
    if page > pages.pages:
        raise NotFoundError
    rows = session.execute(
        select(ChallengeRevision, Person)
        .outerjoin(Person, Person.id == ChallengeRevision.made_by)
        .where(mine)
        .order_by(ChallengeRevision.number.desc())
        .offset(pages.first - 1)
        .limit(PAGE_SIZE)
    )
    return RevisionList(
        frame=visible.frame, rows=tuple(_listed(row, person) for row, person in rows), pages=pages
    )


def revision_page(
    session: Session, *, actor: Actor, slug: str, number: int, now: datetime
) -> RevisionPage:
    """Return one revision, and what it changed. Raises ``NotFoundError``."""
    visible = _visible(session, actor, slug, now)
    row = find(session, slug, number)
    person = session.get(Person, row.made_by) if row.made_by else None
    before = (
        content_of(session, find(session, slug, number - 1))
        if number > 1
        else RevisionContent(settings="", files={})
    )
    after = content_of(session, row)
    return RevisionPage(
        frame=visible.frame,
        revision=_listed(row, person),
        settings=text_changes(before.settings, after.settings, SETTINGS),
        files=file_changes(before.files, after.files),
    )


def _visible(session: Session, actor: Actor, slug: str, now: datetime) -> Visible:
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_review(actor, visible.relation):
        raise NotFoundError
    return visible


def _last(session: Session, challenge_id: str) -> ChallengeRevision | None:
    return session.scalar(
        select(ChallengeRevision)
        .where(ChallengeRevision.challenge_id == challenge_id)
        .order_by(ChallengeRevision.number.desc())
        .limit(1)
    )


def _listed(row: ChallengeRevision, person: Person | None) -> ListedRevision:
    return ListedRevision(
        number=row.number,
        changes=tuple(row.changes),
        origin=row.origin,
        made_by=person.names.own if person else "",
        made_at=row.made_at,
    )
