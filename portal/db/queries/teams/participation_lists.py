"""Who takes part in a challenge and who wants to, one page at a time."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Participation
from portal.domain.teams.membership_rules import ParticipationState


class Listed(NamedTuple):
    """How far somebody is, and how long the list is."""

    participation: Participation
    total: int


def page_of(
    session: Session,
    challenge_id: str,
    *,
    state: ParticipationState | None,
    offset: int,
    size: int,
) -> Sequence[Listed]:
    """List those in a state, or all; who asked last comes first. One query."""
    statement = select(Participation, func.count().over()).where(
        Participation.challenge_id == challenge_id
    )
    if state is not None:
        statement = statement.where(Participation.state == state)
    rows = session.execute(
        statement.options(joinedload(Participation.person))
        .order_by(Participation.asked_at.desc(), Participation.person_id.desc())
        .offset(offset)
        .limit(size)
    )
    return [Listed(*row) for row in rows]
