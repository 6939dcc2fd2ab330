"""Teams: who competes. A person alone is a team of one."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Membership, Person, Team
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

    Two requests at once can make neither two teams of a person nor two of a name: the database has
    both unique, and whoever makes a team waits for the challenge's row first instead of failing.
    """
    if existing := team_of(session, challenge_id=challenge_id, person_id=person_id):
        return existing
    # key_share: rows that refer to the challenge can still be written, or their writers would wait
    # for us while we wait for their team.
    session.get_one(Challenge, challenge_id, with_for_update={"key_share": True})
    if existing := team_of(session, challenge_id=challenge_id, person_id=person_id):
        return existing
    person = session.get_one(Person, person_id)
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
