"""People and their accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, cast, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Account, AuditEntry, Challenge, Membership, Organiser, Person, Team
from portal.domain.audit import Action
from portal.domain.permissions import Role


class RoleRow(NamedTuple):
    """What a person does for a challenge."""

    challenge_slug: str
    challenge: str
    role: Role


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


def locked(session: Session, person_id: str) -> Person:
    """Return a person whom nobody else changes meanwhile; raise if there is no such person.

    ``key_share``: rows that refer to the person can still be written, or their writers would wait
    for us while we wait for theirs.
    """
    return session.get_one(Person, person_id, with_for_update={"key_share": True})


def lock_challenges_of(session: Session, person_id: str) -> None:
    """Let nobody else give roles or names meanwhile where a person has some.

    To be called before anything of the person or their teams is locked: everybody else begins with
    the challenge as well.
    """
    with_role = select(Organiser.challenge_id).where(Organiser.person_id == person_id)
    with_team = select(Membership.challenge_id).where(Membership.person_id == person_id)
    with_name = select(Team.challenge_id).where(Team.named_after == person_id)
    session.execute(
        select(Challenge.id)
        .where(
            or_(
                Challenge.id.in_(with_role),
                Challenge.id.in_(with_team),
                Challenge.id.in_(with_name),
            )
        )
        .order_by(Challenge.id)
        .with_for_update(key_share=True)
    ).all()


def ids_of(session: Session, person_id: str) -> list[str]:
    """Return every id under which somebody has acted: of those who became this person as well."""
    ids = [person_id]
    # It grows while it is gone through: they can have absorbed others before.
    for one in ids:
        ids += session.scalars(
            select(AuditEntry.subject_id).where(
                AuditEntry.actor_id == one, AuditEntry.action == Action.PEOPLE_JOINED
            )
        )
    return ids


def entries_with_origin_of_deleted() -> Select[int]:
    """Select the numbers of entries that still say from where somebody acted who has deleted their data."""
    # As long as what it is joined with: PostgreSQL asks for that.
    gone = (
        select(cast(Person.id, AuditEntry.subject_id.type).label("id"))
        .where(Person.deleted_at.is_not(None))
        .cte("gone", recursive=True)
    )
    absorbed = (
        select(AuditEntry.subject_id)
        .join(gone, AuditEntry.actor_id == gone.c.id)
        .where(AuditEntry.action == Action.PEOPLE_JOINED)
    )
    everyone = gone.union(absorbed)
    return select(AuditEntry.number).where(
        AuditEntry.actor_id.in_(select(everyone.c.id)), AuditEntry.origin != ""
    )


def accounts_of(session: Session, person_id: str) -> Sequence[Account]:
    """List a person's accounts, the one used last first."""
    return session.scalars(
        select(Account)
        .where(Account.person_id == person_id)
        .order_by(Account.last_login_at.desc(), Account.issuer)
    ).all()


def roles_of(session: Session, person_id: str) -> Sequence[RoleRow]:
    """List what a person does for challenges, by challenge."""
    rows = session.execute(
        select(Challenge.slug, Challenge.title, Organiser.role)
        .join(Organiser, Organiser.challenge_id == Challenge.id)
        .where(Organiser.person_id == person_id)
        .order_by(Challenge.title)
    )
    return [RoleRow(*row) for row in rows]


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
