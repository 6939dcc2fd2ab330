"""People and their accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Account, Challenge, Membership, Team


class TeamRow(NamedTuple):
    """A team that a person is in."""

    challenge_slug: str
    challenge: str
    team: str


def account(session: Session, issuer: str, subject: str) -> Account | None:
    """Find an account with its person."""
    return session.scalar(
        select(Account)
        .where(Account.issuer == issuer, Account.subject == subject)
        .options(joinedload(Account.person))
    )


def accounts_of(session: Session, person_id: str) -> Sequence[Account]:
    """List a person's accounts, the one used last first."""
    return session.scalars(
        select(Account)
        .where(Account.person_id == person_id)
        .order_by(Account.last_login_at.desc(), Account.issuer)
    ).all()


def teams_of(session: Session, person_id: str) -> Sequence[TeamRow]:
    """List the teams that a person is in, by challenge."""
    rows = session.execute(
        select(Challenge.slug, Challenge.title, Team.name)
        .join(Team, Team.challenge_id == Challenge.id)
        .join(Membership, Membership.team_id == Team.id)
        .where(Membership.person_id == person_id)
        .order_by(Challenge.title)
    )
    return [TeamRow(*row) for row in rows]
