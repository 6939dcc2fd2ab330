"""Making a new challenge on the web: a draft that nobody has approved, so that nothing of it runs."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Organiser
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.profiles import Resources
from portal.domain.challenges.revisions import Origin
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.permissions import Role
from portal.services.audit import log as audit_log
from portal.services.challenges.bundles import import_bundle, revisions
from portal.services.challenges.bundles.import_bundle import BundleContent, TakenIn
from site_config.challenge import Challenge as Described

MAX_UNAPPROVED = 5
"""Challenges of one owner that no operator has approved."""
TOO_MANY = f"You own {MAX_UNAPPROVED} challenges that the site has not approved yet. Ask for a review of one of them."


def check_may_create(actor: Actor, *, everybody: bool) -> None:
    """Refuse whoever may not make challenges. Raises ``NotFoundError``."""
    if not permissions.may_create_challenge(actor, everybody=everybody):
        raise NotFoundError


def create(
    session: Session,
    *,
    actor: Actor,
    described: Described,
    material: BundleContent,
    resources: Resources,
    everybody: bool,
    origin: Origin = Origin.PAGE,
    now: datetime,
) -> TakenIn:
    """Write a new challenge as a draft that its maker owns. The same again by its maker makes no other.

    Raises ``NotFoundError`` for whoever may not, and ``ParticipantError`` for a name that is taken, or too many drafts.
    """
    check_may_create(actor, everybody=everybody)
    if (made := _made_before(session, actor, described.slug, material)) is not None:
        return made
    if _unapproved(session, actor) >= MAX_UNAPPROVED:
        raise ParticipantError(TOO_MANY, reason="too_many")
    challenge, _, _ = import_bundle.write(
        session, described=described, material=material, resources=resources, now=now
    )
    challenge.state, challenge.approved_at = ChallengeState.DRAFT, None
    session.add(
        Organiser(
            challenge_id=challenge.id,
            person_id=actor.person_id,
            role=Role.OWNER,
            added_at=now,
            added_by=actor.person_id,
        )
    )
    number = revisions.record(
        session,
        challenge=challenge,
        content=material.all_of_it,
        changes=(),
        origin=origin,
        actor=actor,
        now=now,
    )
    audit_log.note(
        session,
        actor=actor,
        action=Action.CHALLENGE_ADDED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        revision=number,
    )
    return TakenIn(id=challenge.id, slug=challenge.slug, is_new=True, revision=number, changes=())


def _made_before(
    session: Session, actor: Actor, slug: str, material: BundleContent
) -> TakenIn | None:
    """Return the challenge if this is what it was made of: a form that is sent twice. Raises ``ParticipantError``."""
    challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
    if challenge is None:
        return None
    held = revisions.current(session, challenge.id)
    if (
        held is None
        or held.made_by != actor.person_id
        or revisions.content_of(session, held) != material.all_of_it
    ):
        raise ParticipantError(import_bundle.TAKEN.format(slug=slug), reason="taken")
    return TakenIn(id=challenge.id, slug=slug, is_new=False, revision=held.number, changes=())


def _unapproved(session: Session, actor: Actor) -> int:
    statement = (
        select(func.count())
        .select_from(Organiser)
        .join(Challenge, Challenge.id == Organiser.challenge_id)
        .where(
            Organiser.person_id == actor.person_id,
            Organiser.role == Role.OWNER,
            Challenge.approved_at.is_(None),
        )
    )
    return session.scalar(statement) or 0
