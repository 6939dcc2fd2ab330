"""Weights: uploaded once by a team, stored once by digest, named by any of its submissions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Challenge, Submission, Weights
from portal.domain import permissions
from portal.domain.errors import NotAllowed, NotFound, ParticipantError
from portal.domain.ids import new_id
from portal.domain.people import Actor
from portal.domain.weights import COUNT, mounted_at
from portal.services import images, participations, rosters, teams
from portal.services.access import standing_of
from portal.services.challenge_frames import Frame, look_up
from portal.services.submissions import Upload, locked_team


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFacts:
    """One file of weights, as its team sees it."""

    id: str
    filename: str
    size: int
    sha256: str
    place: str
    """Where a run finds it."""
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
    """Return what the actor's team has, the newest first. Raises ``NotFound`` and ``NotAllowed``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if actor.person_id is None:
        raise NotAllowed("Log in to upload weights.")
    if visible.frame.must_join:
        raise participations.not_yet(visible.frame.participation)
    files = offered(session, visible.challenge.id, actor)
    return WeightsPage(
        frame=visible.frame, files=files, used=sum(one.size for one in files), limit=limit
    )


def offered(session: Session, challenge_id: str, actor: Actor) -> tuple[WeightsFacts, ...]:
    """Return the weights that the actor's team can hand something in with, the newest first."""
    team = teams.team_of(session, challenge_id=challenge_id, person_id=str(actor.person_id))
    return tuple(map(_facts, _kept(session, team.id))) if team else ()


def keep(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    upload: Upload,
    filename: str,
    limit: int,
    now: datetime,
) -> str:
    """Give the actor's team a file of weights; return its id. The same bytes are not taken twice.

    ``limit`` is what all of a team's weights may have in bytes. Raises ``ParticipantError``.
    """
    challenge = _challenge(session, actor, slug)
    participations.admit_silently(session, challenge, actor, now=now)
    team = teams.join_alone(session, actor=actor, challenge_id=challenge.id, now=now)
    team = locked_team(session, actor, team)
    kept = _kept(session, team.id)
    for one in kept:
        if (one.blob_sha256, one.filename) == (upload.sha256, filename[:255]):
            return one.id
    _check_room(kept, upload, limit)
    images.keep_blob(session, sha256=upload.sha256, size=upload.size, now=now)
    row = Weights(
        id=new_id(now),
        challenge_id=challenge.id,
        team_id=team.id,
        person_id=str(actor.person_id),
        blob_sha256=upload.sha256,
        filename=filename[:255],
        created_at=now,
    )
    session.add(row)
    return row.id


def remove(session: Session, *, actor: Actor, slug: str, weights_id: str, now: datetime) -> None:
    """Offer a file no more. What was handed in with it keeps it. Raises ``NotFound``."""
    _, team = rosters.own_team(session, actor, slug)
    row = session.get(Weights, weights_id)
    if row is None or row.team_id != team.id:
        raise NotFound
    row.removed_at = row.removed_at or now


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


def _challenge(session: Session, actor: Actor, slug: str) -> Challenge:
    challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
    if challenge is None:
        raise NotFound
    standing = standing_of(session, challenge, actor)
    if not permissions.may_see_challenge(actor, standing):
        raise NotFound
    if not permissions.may_submit(actor, standing):
        raise NotAllowed("Log in to upload weights.")
    return challenge


def _check_room(kept: list[Weights], upload: Upload, limit: int) -> None:
    if len(kept) >= COUNT:
        raise ParticipantError(
            f"Your team keeps {COUNT} files of weights already. Remove one that you no longer use.",
            reason="file",
        )
    if sum(one.blob.size for one in kept) + upload.size > limit:
        raise ParticipantError(
            "With this file your team's weights would be larger than the site allows. Remove one that"
            " you no longer use.",
            reason="file",
        )


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
        place=str(mounted_at(row.filename)),
        created_at=row.created_at,
    )
