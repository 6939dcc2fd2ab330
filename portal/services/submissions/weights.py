"""Weights: uploaded once by a team, stored once by digest, named by any of its submissions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Blob, Image, Submission, Task, Team, Weights
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.submissions.limits import start_of_day
from portal.domain.submissions.weights import COUNT, mounted_at
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.evaluations import images
from portal.services.submissions.submit import Upload, locked_team
from portal.services.teams import joining, membership, teams


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFacts:
    """One file of weights, as its team sees it."""

    id: str
    filename: str
    size: int
    sha256: str
    place: str
    """Where a run finds it."""
    is_unpacked: bool
    """Whether a run finds the files in it there, instead of the file."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsPage:
    """All of a team's weights in a challenge."""

    frame: Frame
    files: tuple[WeightsFacts, ...]
    used: int
    """Bytes of all together."""
    limit: int


def weights_page(
    session: Session, *, actor: Actor, slug: str, limit: int, now: datetime
) -> WeightsPage:
    """Return what the actor's team has, the newest first, also once the challenge is over. Raises ``NotFoundError`` and ``NotAllowedError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if actor.person_id is None:
        raise NotAllowedError("Log in to upload weights.")
    if not visible.relation.is_open and not visible.frame.takes_part:
        raise access.over(visible.relation)
    if visible.relation.is_open and visible.frame.must_join:
        raise joining.not_yet(visible.frame.participation)
    files = offered(session, visible.challenge.id, actor)
    return WeightsPage(
        frame=visible.frame, files=files, used=sum(one.size for one in files), limit=limit
    )


def offered(session: Session, challenge_id: str, actor: Actor) -> tuple[WeightsFacts, ...]:
    """Return the weights that the actor's team can submit something with, the newest first."""
    team = teams.team_of(session, challenge_id=challenge_id, person_id=str(actor.person_id))
    return tuple(map(_facts, _kept(session, team.id))) if team else ()


def keep(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    upload: Upload,
    filename: str,
    unpacked: bool = False,
    limit: int,
    now: datetime,
) -> str:
    """Give the actor's team a file of weights; return its id. The same bytes are not taken twice.

    ``unpacked`` is what the inspection of its content said. ``limit`` is what all of a team's weights may have in bytes. Raises ``ParticipantError``.
    """
    challenge = access.find_to_submit(session, actor, slug, what="upload weights").challenge
    joining.admit_silently(session, challenge, actor, now=now)
    team = teams.join_alone(session, actor=actor, challenge_id=challenge.id, now=now)
    team = locked_team(session, actor, team)
    kept = _kept(session, team.id)
    for one in kept:
        if (one.blob_sha256, one.filename) == (upload.sha256, filename[:255]):
            return one.id
    _check_room(session, team, kept, upload.size, limit, now=now)
    images.keep_blob(session, sha256=upload.sha256, size=upload.size, now=now)
    row = Weights(
        id=new_id(now),
        challenge_id=challenge.id,
        team_id=team.id,
        person_id=str(actor.person_id),
        blob_sha256=upload.sha256,
        filename=filename[:255],
        is_unpacked=unpacked,
        created_at=now,
    )
    session.add(row)
    return row.id


def check_first(
    session: Session, *, actor: Actor, slug: str, size: int, limit: int, now: datetime
) -> None:
    """Refuse a file that the team has no room for, before it is kept. Raises ``ParticipantError``."""
    challenge = access.find_to_submit(session, actor, slug, what="upload weights").challenge
    team = teams.team_of(session, challenge_id=challenge.id, person_id=str(actor.person_id))
    if team is not None:
        _check_room(session, team, _kept(session, team.id), size, limit, now=now)


def remove(session: Session, *, actor: Actor, slug: str, weights_id: str, now: datetime) -> None:
    """Stop offering a file. What was submitted with it keeps it. Raises ``NotFoundError``.

    A file that nothing was submitted with goes like an upload that was refused.
    """
    challenge, own = membership.find_own(session, actor, slug)
    access.check_may_change(access.relation_of(session, challenge, actor))
    team = membership.lock_own(session, actor, own.id)
    row = session.get(Weights, weights_id)
    if row is None or row.team_id != team.id:
        raise NotFoundError
    row.removed_at = row.removed_at or now
    session.flush()
    _let_go(session, row.blob_sha256, now=now)


def used_by(session: Session, submission: Submission) -> WeightsFacts | None:
    """Return the weights that a submission names."""
    if submission.weights_id is None:
        return None
    return _facts(
        session.scalars(
            select(Weights)
            .where(Weights.id == submission.weights_id)
            .options(joinedload(Weights.blob))
        ).one()
    )


def _check_room(
    session: Session, team: Team, kept: list[Weights], size: int, limit: int, *, now: datetime
) -> None:
    if len(kept) >= COUNT:
        raise ParticipantError(
            f"Your team keeps {COUNT} files of weights already. Remove one that you no longer use.",
            reason="file",
        )
    if sum(one.blob.size for one in kept) + size > limit:
        raise ParticipantError(
            "With this file your team's weights would be larger than the site allows. Remove one that"
            " you no longer use.",
            reason="file",
        )
    files, uploaded = _uploaded_since(session, team.id, start_of_day(now))
    if files >= COUNT or uploaded + size > limit:
        # Also what was removed again: it may still lie on the storage for some days.
        raise ParticipantError(
            "Your team has uploaded as much today as it may keep altogether. Upload this from tomorrow on,"
            " 00:00 UTC.",
            reason="file",
        )


def _uploaded_since(session: Session, team_id: str, since: datetime) -> tuple[int, int]:
    """Return how many files of weights a team has uploaded, also those that it removed, and their bytes."""
    files, size = session.execute(
        select(func.count(), func.coalesce(func.sum(Blob.size), 0))
        .select_from(Weights)
        .join(Blob, Blob.sha256 == Weights.blob_sha256)
        .where(Weights.team_id == team_id, Weights.created_at >= since)
    ).one()
    return files, int(size)


def _let_go(session: Session, sha256: str, *, now: datetime) -> None:
    """Note that a file may go that nothing is made of and nobody keeps."""
    blob = session.get_one(Blob, sha256, with_for_update=True)
    mine = select(Weights.id).where(Weights.blob_sha256 == sha256)
    needed = session.scalar(
        select(
            or_(
                exists().where(Submission.blob_sha256 == sha256),
                exists().where(Submission.weights_id.in_(mine)),
                exists().where(Image.source_sha256 == sha256),
                exists().where(Task.sample_sha256 == sha256),
                mine.where(Weights.removed_at.is_(None)).exists(),
            )
        )
    )
    if not needed:
        blob.deleted_at = blob.deleted_at or now


def _kept(session: Session, team_id: str) -> list[Weights]:
    return list(
        session.scalars(
            select(Weights)
            .where(Weights.team_id == team_id, Weights.removed_at.is_(None))
            .options(joinedload(Weights.blob))
            .order_by(Weights.created_at.desc(), Weights.id.desc())
        )
    )


def _facts(row: Weights) -> WeightsFacts:
    return WeightsFacts(
        id=row.id,
        filename=row.filename,
        size=row.blob.size,
        sha256=row.blob_sha256,
        place=str(mounted_at(row.filename, unpacked=row.is_unpacked)),
        is_unpacked=row.is_unpacked,
        created_at=row.created_at,
    )
