"""Teams: who competes. A person alone is a team of one."""

from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.look_alikes import skeleton_of
from portal.db.tables import Challenge, Membership, Person, Team
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log


def team_of(session: Session, *, challenge_id: str, person_id: str) -> Team | None:
    """Return the team in which a person takes part in a challenge."""
    return session.scalar(
        select(Team)
        .join(Membership, Membership.team_id == Team.id)
        .where(Membership.challenge_id == challenge_id, Membership.person_id == person_id)
    )


def join_alone(session: Session, *, actor: Actor, challenge_id: str, now: datetime) -> Team:
    """Return the actor's team, making a team of one if there is none yet.

    Two requests at once can make neither two teams of a person nor two of a name: the database has
    both unique, and whoever makes a team waits for the challenge's row first instead of failing.
    """
    person_id = str(actor.person_id)
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
        name=_free_name(session, challenge_id, person.names.public, besides=""),
        named_after=person.id,
        created_at=now,
    )
    session.add(team)
    session.flush()
    session.add(
        Membership(team_id=team.id, person_id=person_id, challenge_id=challenge_id, joined_at=now)
    )
    session.flush()
    audit_log.note(
        session,
        actor=actor,
        action=Action.TEAM_MADE,
        subject=Subject(kind="team", id=team.id),
        challenge_id=challenge_id,
        now=now,
    )
    return team


def named(session: Session, challenge_id: str, name: str) -> str | None:
    """Return the id of the team of a challenge that has a name, whatever its case."""
    wish = name.strip().casefold()
    names = _names(session, challenge_id).items()
    found = next((team_id for team_id, other in names if other.casefold() == wish), None)
    return None if found and session.get_one(Team, found).is_dry_run else found


def is_taken(session: Session, challenge_id: str, name: str, *, besides: str) -> bool:
    """Whether another team of the challenge has this name, or one that people take for it."""
    return _Taken(session, challenge_id, besides=besides).has(name)


class _Taken:
    """The names of a challenge's teams, as they are written and as they look."""

    def __init__(self, session: Session, challenge_id: str, *, besides: str) -> None:
        names = _names(session, challenge_id)
        self._written = {name.casefold() for one, name in names.items() if one != besides}
        looks = select(Team.skeleton).where(Team.challenge_id == challenge_id, Team.id != besides)
        self._looks = set(session.scalars(looks))

    def has(self, name: str) -> bool:
        return name.casefold() in self._written or skeleton_of(name) in self._looks


def _names(session: Session, challenge_id: str) -> dict[str, str]:
    """Return the names of the teams that compete, by id: databases disagree on what case is."""
    rows = session.execute(
        select(Team.id, Team.name).where(
            Team.challenge_id == challenge_id, Team.merged_into_id.is_(None)
        )
    )
    return {team_id: name for team_id, name in rows}  # noqa: C416 - rows are no pairs to mypy


def follow_name(session: Session, person: Person) -> None:
    """Give the teams that are named after somebody the public name that they have now.

    Teams that have merged into another keep that in their names.
    """
    mine = select(Team).where(Team.named_after == person.id).order_by(Team.challenge_id, Team.id)
    for team in session.scalars(mine).all():
        # Names of a challenge are given one after the other, so that no two become the same.
        session.get_one(Challenge, team.challenge_id, with_for_update={"key_share": True})
        if team.merged_into_id is not None:
            team.name = merged_name(team, person.names.public)
        else:
            wish = person.names.public
            team.name = _free_name(session, team.challenge_id, wish, besides=team.id)
        session.flush()


def merged_name(team: Team, name: str) -> str:
    """Return what a team is called that has merged: its name is free again for others."""
    return f"{name[:150]} (merged {team.id})"


def _free_name(session: Session, challenge_id: str, wish: str, *, besides: str) -> str:
    taken = _Taken(session, challenge_id, besides=besides)
    if not taken.has(wish):
        return wish
    return next(name for n in count(2) if not taken.has(name := f"{wish} ({n})"))
