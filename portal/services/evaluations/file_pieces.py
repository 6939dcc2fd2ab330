"""What workers are doing with files: said by them, shown on pages, and believed by nobody else."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Evaluation, FilePiece, Image, Job
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.evaluations.file_parts import Part

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of work on files that is under way, or waits for its turn."""

    subject: str
    part: Part
    since: datetime
    """When it was asked for."""
    is_begun: bool
    size: int
    """Bytes gone through so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A piece as staff see it."""

    piece: Piece
    cluster: str
    said_at: datetime
    submission_id: str | None
    """Of which submission the files are, where they are of one."""
    image_id: str | None
    """For which image they are, where they are for one."""


def say(session: Session, cluster: str, pieces: Iterable[Piece], *, now: datetime) -> None:
    """Write down what is being done on a cluster's storage, in place of what was said before."""
    session.execute(delete(FilePiece).where(FilePiece.cluster == cluster))
    session.add_all(FilePiece(cluster=cluster, said_at=now, **asdict(one)) for one in pieces)


def gone_through(session: Session, subject: str, part: Part) -> int | None:
    """Return how many bytes of a subject's files were gone through; None where that is not going on."""
    return session.scalar(
        select(FilePiece.size).where(FilePiece.subject == subject, FilePiece.part == part)
    )


def of_site(session: Session, *, actor: Actor) -> list[Shown]:
    """List what takes longer than a moment, oldest first, for staff. Raises ``NotFoundError``."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    rows = session.execute(
        select(FilePiece, Evaluation.submission_id, Image.id)
        .outerjoin(Attempt, Attempt.token == FilePiece.subject)
        .outerjoin(Job, Job.id == Attempt.job_id)
        .outerjoin(Evaluation, Evaluation.id == Job.evaluation_id)
        .outerjoin(Image, or_(Image.id == Job.image_id, Image.id == FilePiece.subject))
        .order_by(FilePiece.since, FilePiece.subject)
        .limit(MAX_SHOWN)
    )
    return [
        Shown(
            piece=Piece(
                subject=row.subject,
                part=row.part,
                is_begun=row.is_begun,
                size=row.size,
                since=row.since,
            ),
            cluster=row.cluster,
            said_at=row.said_at,
            submission_id=submission_id,
            image_id=image_id,
        )
        for row, submission_id, image_id in rows
    ]
