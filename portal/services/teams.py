"""Teams: who competes. A person alone is a team of one."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Membership, Person, Team
from portal.domain.ids import new_id


def team_of(session: Session, *, challenge_id: str, person_id: str) -> Team | None:
    """Return the team in which a person takes part in a challenge."""
    return session.scalar(
        select(Team)
        .join(Membership, Membership.team_id == Team.id)
        .where(Membership.challenge_id == challenge_id, Membership.person_id == person_id)
    )


def join_alone(session: Session, *, challenge_id: str, person_id: str, now: datetime) -> Team:
    """Return the person's team, making a team of one if there is none yet.

    Two requests at once cannot make two teams: the membership is unique in the database, and the
    person's row is locked first so that the second request waits instead of failing.
    """
    person = session.get_one(Person, person_id, with_for_update=True)
    if existing := team_of(session, challenge_id=challenge_id, person_id=person_id):
        return existing
    team = Team(
        id=new_id(now),
        challenge_id=challenge_id,
        name=_free_name(session, challenge_id, person.name),
        created_at=now,
    )
    session.add(team)
    session.flush()
    session.add(
        Membership(team_id=team.id, person_id=person_id, challenge_id=challenge_id, joined_at=now)
    )
    session.flush()
    return team


def _free_name(session: Session, challenge_id: str, wish: str) -> str:
    taken = set(
        session.scalars(
            select(Team.name).where(
                Team.challenge_id == challenge_id, Team.name.startswith(wish, autoescape=True)
            )
        )
    )
    if wish not in taken:
        return wish
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wish} ({n})") not in taken)
