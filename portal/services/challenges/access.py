"""How a person stands to a challenge: what the permission predicates need to know."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Membership, Organiser
from portal.domain.accounts.people import Actor
from portal.domain.permissions import ChallengeRelation, Role


def relation_of(session: Session, challenge: Challenge, actor: Actor) -> ChallengeRelation:
    """Look up, for this actor only, whether they organise or take part. One query."""
    if not actor.is_known:
        return ChallengeRelation(published=challenge.published)
    role = select(Organiser.role).where(
        Organiser.challenge_id == challenge.id, Organiser.person_id == actor.person_id
    )
    takes_part = select(Membership.person_id).where(
        Membership.challenge_id == challenge.id, Membership.person_id == actor.person_id
    )
    has_role, participant = session.execute(
        select(role.scalar_subquery(), takes_part.scalar_subquery())
    ).one()
    return relation(actor, challenge, role=has_role, takes_part=participant is not None)


def relation(
    actor: Actor, challenge: Challenge, *, role: Role | None, takes_part: bool
) -> ChallengeRelation:
    """Return how the actor stands to a challenge; other people do not matter to the answer."""
    me = singleton(actor)
    nobody: frozenset[str] = frozenset()
    return ChallengeRelation(
        published=challenge.published,
        owners=me if role is Role.OWNER else nobody,
        organisers=me if role is Role.ORGANISER else nobody,
        reviewers=me if role is Role.REVIEWER else nobody,
        participants=me if takes_part else nobody,
    )


def singleton(actor: Actor) -> frozenset[str]:
    """Return the set of this one person, or of nobody."""
    return frozenset() if actor.person_id is None else frozenset({actor.person_id})
