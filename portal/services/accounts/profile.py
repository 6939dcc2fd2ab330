"""People: who logs in, and what their own page shows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as queries
from portal.domain.accounts.people import Actor, Names
from portal.domain.accounts.sessions import SessionLimits
from portal.domain.errors import NotAllowedError
from portal.domain.permissions import Role
from portal.services.accounts import names, own_sessions
from portal.services.accounts.own_sessions import SessionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """A way to log in that somebody has used."""

    issuer: str
    subject: str
    last_login_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """A team that somebody is in."""

    challenge_slug: str
    challenge: str
    team: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """What somebody does for a challenge."""

    challenge_slug: str
    challenge: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """What a person sees of themselves."""

    person_id: str
    names: Names
    is_staff: bool
    logins: tuple[AccountFacts, ...]
    roles: tuple[RoleFacts, ...]
    teams: tuple[TeamFacts, ...]
    sessions: tuple[SessionFacts, ...]


def account_page(
    session: Session, *, actor: Actor, current: str | None, limits: SessionLimits, now: datetime
) -> AccountPage:
    """Return what the actor sees of themselves; ``current`` names the browser that asks."""
    if actor.person_id is None:
        raise NotAllowedError("Log in to see your account.")
    return AccountPage(
        person_id=actor.person_id,
        names=names.names_of(session, actor=actor),
        is_staff=actor.is_staff,
        logins=tuple(
            AccountFacts(issuer=row.issuer, subject=row.subject, last_login_at=row.last_login_at)
            for row in queries.accounts_of(session, actor.person_id)
        ),
        roles=tuple(
            RoleFacts(challenge_slug=row.challenge_slug, challenge=row.challenge, role=row.role)
            for row in queries.roles_of(session, actor.person_id)
        ),
        teams=tuple(
            TeamFacts(challenge_slug=row.challenge_slug, challenge=row.challenge, team=row.team)
            for row in queries.teams_of(session, actor.person_id)
        ),
        sessions=own_sessions.sessions_of(
            session, actor=actor, current=current, limits=limits, now=now
        ),
    )
