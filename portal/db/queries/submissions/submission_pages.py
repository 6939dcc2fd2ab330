"""Submissions as their list and their own page need them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased, immediateload, joinedload, selectinload

from portal.db.queries.challenges.challenge_pages import role_of
from portal.db.tables import (
    Cancellation,
    Challenge,
    Evaluation,
    Image,
    Job,
    Membership,
    Standing,
    Submission,
)
from portal.domain.permissions import Role


class Listed(NamedTuple):
    """A submission in a list, and how long the list is."""

    submission: Submission
    total: int
    stands: bool
    """Whether it stands for its team on one of the boards that were named."""


class Found(NamedTuple):
    """A submission, and how the person who asks stands to it."""

    submission: Submission
    role: Role | None
    in_team: bool
    same_as: str | None
    """The first submission of the same file by the same team in the phase, where that is another."""


def page_of(
    session: Session,
    *,
    challenge_id: str,
    team_id: str | None,
    every: bool,
    board_ids: Sequence[str],
    offset: int,
    size: int,
) -> Sequence[Listed]:
    """List submissions of one team, or of every team, the newest first. Two queries."""
    wanted = [Submission.challenge_id == challenge_id]
    if not every:
        wanted.append(Submission.team_id == team_id)
    newest = (Submission.created_at.desc(), Submission.id.desc())
    # The page is found along an index before anything is joined to it.
    page = select(Submission.id).where(*wanted).order_by(*newest).offset(offset).limit(size)
    total = select(func.count()).select_from(Submission).where(*wanted).scalar_subquery()
    rows = session.execute(
        select(Submission, total, _stands(board_ids))
        .where(Submission.id.in_(page))
        .options(
            joinedload(Submission.phase),
            joinedload(Submission.team),
            joinedload(Submission.person),
            joinedload(Submission.blob),
            joinedload(Submission.marks),
            selectinload(Submission.evaluations).joinedload(Evaluation.result),
        )
        .order_by(*newest)
    ).unique()
    return [Listed(*row) for row in rows]


def find(session: Session, submission_id: str, person_id: str) -> Found | None:
    """Find a submission with everything of its page but the jobs. Three queries."""
    rows = session.execute(
        select(Submission, role_of(person_id), _in_team(person_id), _same_file_before())
        .join(Challenge, Challenge.id == Submission.challenge_id)
        .where(Submission.id == submission_id)
        .options(
            joinedload(Submission.challenge),
            joinedload(Submission.phase),
            joinedload(Submission.team),
            joinedload(Submission.person),
            joinedload(Submission.blob),
            joinedload(Submission.marks),
            selectinload(Submission.evaluations).options(
                # It is there already: this asks nothing, and lets what an evaluation waits for be shown.
                immediateload(Evaluation.submission),
                joinedload(Evaluation.task),
                joinedload(Evaluation.result),
                joinedload(Evaluation.cancellation),
                selectinload(Evaluation.events),
            ),
        )
    )
    row = rows.unique().one_or_none()
    return None if row is None else Found(row[0], row[1], bool(row[2]), row[3])


def taken_back_since(session: Session, submission: Submission, since: datetime) -> int:
    """Count what else the team of a submission has cancelled in the challenge without a cost."""
    statement = (
        select(func.count(Submission.id.distinct()))
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(Cancellation, Cancellation.evaluation_id == Evaluation.id)
        .where(
            Submission.challenge_id == submission.challenge_id,
            Submission.team_id == submission.team_id,
            Submission.id != submission.id,
            Cancellation.asked_at >= since,
            ~Cancellation.counts,
            ~Submission.is_smoke,
        )
    )
    return session.scalar(statement) or 0


def jobs_of(session: Session, evaluations: Sequence[Evaluation]) -> Sequence[Job]:
    """List the jobs of evaluations and of their images, oldest first, with their attempts."""
    images = {e.image_id for e in evaluations if e.image_id}
    return session.scalars(
        select(Job)
        .where(
            or_(Job.evaluation_id.in_([e.id for e in evaluations]), Job.image_id.in_(images))
            if evaluations
            else false()
        )
        .options(selectinload(Job.attempts))
        .order_by(Job.id)
    ).all()


def packages_of(session: Session, evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """List what was installed in the images of evaluations, a line each."""
    images = {e.image_id for e in evaluations if e.image_id}
    locks = session.scalars(select(Image.lock).where(Image.id.in_(images), Image.lock.is_not(None)))
    return tuple(sorted({line for lock in locks for line in str(lock).splitlines()}))


def _stands(board_ids: Sequence[str]) -> ColumnElement[bool]:
    """Whether it stands for its team on one of some boards."""
    return exists().where(
        Standing.board_id.in_(board_ids),
        Standing.team_id == Submission.team_id,
        Standing.submission_id == Submission.id,
    )


def _same_file_before() -> ScalarSelect[str]:
    """Select the first of the same file; to submit a file after having tried it is what sample runs are for."""
    earlier = aliased(Submission)
    return (
        select(earlier.id)
        .where(
            earlier.challenge_id == Submission.challenge_id,
            earlier.blob_sha256 == Submission.blob_sha256,
            earlier.team_id == Submission.team_id,
            earlier.phase_id == Submission.phase_id,
            earlier.kind == Submission.kind,
            earlier.is_smoke.is_(False),
            earlier.id < Submission.id,
        )
        .order_by(earlier.id)
        .limit(1)
        .correlate(Submission)
        .scalar_subquery()
    )


def _in_team(person_id: str) -> ColumnElement[bool]:
    return exists().where(
        Membership.team_id == Submission.team_id, Membership.person_id == person_id
    )
