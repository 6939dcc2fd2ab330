"""Revisions of a challenge: each import and each proposal is written down with all of its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, ChallengeRevision, RevisionFile
from portal.domain.accounts.people import Actor
from portal.domain.challenges.revisions import BundleFile, Origin, RevisionState
from portal.domain.errors import NotFoundError
from portal.domain.ids import new_id
from portal.services.evaluations import images


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionContent:
    """All of a bundle: the text of its settings, and its files by their path."""

    settings: str
    files: Mapping[str, BundleFile]


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

    The challenge's row is locked by the caller. What is as it was makes no other revision.
    """
    held = current(session, challenge.id)
    if held is not None and content_of(session, held) == content:
        return held.number
    row = write(
        session,
        challenge=challenge,
        content=content,
        origin=origin,
        actor=actor,
        base=held,
        now=now,
    )
    row.changes = list(changes)
    row.state, row.applied_at = RevisionState.APPLIED, now
    return row.number


def write(
    session: Session,
    *,
    challenge: Challenge,
    content: RevisionContent,
    origin: Origin,
    actor: Actor,
    base: ChallengeRevision | None,
    now: datetime,
) -> ChallengeRevision:
    """Write a new revision with its files, as one that is proposed. The challenge's row is locked by the caller."""
    last = _newest(session, challenge.id)
    row = ChallengeRevision(
        id=new_id(now),
        challenge_id=challenge.id,
        number=last.number + 1 if last else 1,
        settings=content.settings,
        changes=[],
        origin=origin,
        made_by=actor.person_id,
        made_at=now,
        state=RevisionState.PROPOSED,
        base_number=base.number if base else None,
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
    return row


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
    """Return a revision of a challenge; the one that holds without a number. Raises ``NotFoundError``."""
    statement = (
        select(ChallengeRevision)
        .join(Challenge, Challenge.id == ChallengeRevision.challenge_id)
        .where(Challenge.slug == slug)
        .order_by(ChallengeRevision.number.desc())
        .limit(1)
    )
    row = session.scalar(
        statement.where(ChallengeRevision.state == RevisionState.APPLIED)
        if number is None
        else statement.where(ChallengeRevision.number == number)
    )
    if row is None:
        raise NotFoundError
    return row


def current(session: Session, challenge_id: str) -> ChallengeRevision | None:
    """Return the revision that holds; None for a challenge that was added before they were written down.

    A proposal is applied as long as the one holds of which it was made, so those that were applied have rising numbers.
    """
    return session.scalar(_of(challenge_id).where(ChallengeRevision.state == RevisionState.APPLIED))


def _newest(session: Session, challenge_id: str) -> ChallengeRevision | None:
    return session.scalar(_of(challenge_id))


def _of(challenge_id: str) -> Select[ChallengeRevision]:
    return (
        select(ChallengeRevision)
        .where(ChallengeRevision.challenge_id == challenge_id)
        .order_by(ChallengeRevision.number.desc())
        .limit(1)
    )
