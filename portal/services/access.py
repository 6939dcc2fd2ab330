"""How a person stands to a challenge: what the permission predicates need to know."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Membership, Organiser
from portal.domain.people import Actor
from portal.domain.permissions import Standing


def standing_of(session: Session, challenge: Challenge, actor: Actor) -> Standing:
    """Look up, for this actor only, whether they organise or take part. One query."""
    if not actor.is_known:
        return Standing(published=challenge.published)
    organises = select(Organiser.person_id).where(
        Organiser.challenge_id == challenge.id, Organiser.person_id == actor.person_id
    )
    takes_part = select(Membership.person_id).where(
        Membership.challenge_id == challenge.id, Membership.person_id == actor.person_id
    )
    organiser, participant = session.execute(
        select(organises.scalar_subquery(), takes_part.scalar_subquery())
    ).one()
    return Standing(
        published=challenge.published,
        organisers=frozenset({organiser} - {None}),
        participants=frozenset({participant} - {None}),
    )
