"""Who works for a challenge, and as what."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries.site import staff as queries
from portal.db.tables import Challenge, Organiser, Person
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.permissions import Role
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.leaderboards import standings


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """Somebody who works for the challenge."""

    person_id: str
    name: str
    role: Role
    added_at: datetime | None
    is_me: bool
    may_be_taken: bool
    """Whether the actor may take the role away, or step down from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesPage:
    """Everybody who works for the challenge; owners first."""

    frame: Frame
    rows: tuple[RoleFacts, ...]
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who is about to be given a role, as their name has to be read before."""

    person_id: str
    name: str
    role: Role
    had: Role | None


NO_SUCH_PERSON = "Nobody has this account number. People find theirs on their account page."
LAST_OWNER = "A challenge keeps an owner: make somebody else an owner first."
OWN_ROLE = "Nobody changes their own role. You can step down, or ask another owner."


def roles_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> RolesPage:
    """List who works for a challenge; for whoever organises it, and for its reviewers."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_review(actor, visible.relation):
        raise NotFoundError
    rests = not permissions.may_change(visible.relation)
    may_change = permissions.may_name_roles(actor, visible.relation) and not rests
    rows = queries.roles_in(session, visible.challenge.id)
    owners = sum(row.role is Role.OWNER for row, _ in rows)
    return RolesPage(
        frame=visible.frame,
        rows=tuple(
            RoleFacts(
                person_id=row.person_id,
                name=person.names.own,
                role=row.role,
                added_at=row.added_at,
                is_me=row.person_id == actor.person_id,
                may_be_taken=not rests
                and (may_change or permissions.may_step_down(actor, row.person_id))
                and (row.role is not Role.OWNER or owners > 1),
            )
            for row, person in rows
        ),
        may_change=may_change,
    )


def candidate(
    session: Session, *, actor: Actor, slug: str, person_id: str, role: Role
) -> Candidate:
    """Return whom a role would be given to; raise as ``give`` would."""
    challenge = _challenge(session, actor, slug, lock=False)
    person, row = _to_be_named(session, actor, challenge, person_id, role)
    return Candidate(
        person_id=person.id, name=person.names.own, role=role, had=row.role if row else None
    )


def give(
    session: Session, *, actor: Actor, slug: str, person_id: str, role: Role, now: datetime
) -> None:
    """Give somebody a role in a challenge, in place of the one that they have."""
    challenge = _challenge(session, actor, slug, lock=True)
    person, row = _to_be_named(session, actor, challenge, person_id, role)
    had = row.role if row else None
    if row is None:
        row = Organiser(challenge_id=challenge.id, person_id=person.id)
        session.add(row)
    row.role, row.added_at, row.added_by = role, now, actor.person_id
    standings.follow_roles(session, challenge.id, person.id)
    audit_log.note(
        session,
        actor=actor,
        action=Action.ROLE_GIVEN,
        subject=Subject(kind="person", id=person.id),
        challenge_id=challenge.id,
        now=now,
        role=role,
        before=had,
    )


def take(session: Session, *, actor: Actor, slug: str, person_id: str, now: datetime) -> None:
    """Take somebody's role away; everybody may give up their own."""
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    row = session.get(Organiser, (challenge.id, person_id))
    if not permissions.may_step_down(actor, person_id) and not permissions.may_name_roles(
        actor, relation
    ):
        _refuse(actor, relation)
    access.check_may_change(relation)
    if row is None:
        raise NotFoundError
    if row.role is Role.OWNER:
        _check_not_last(session, challenge.id)
    had = row.role
    session.delete(row)
    standings.follow_roles(session, challenge.id, person_id)
    audit_log.note(
        session,
        actor=actor,
        action=Action.ROLE_TAKEN,
        subject=Subject(kind="person", id=person_id),
        challenge_id=challenge.id,
        now=now,
        role=had,
    )


def _challenge(session: Session, actor: Actor, slug: str, *, lock: bool) -> Challenge:
    # Locked so that of two owners who take each other's role away one stays.
    challenge = access.lock(session, slug) if lock else _found(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_name_roles(actor, relation):
        _refuse(actor, relation)
    access.check_may_change(relation)
    return challenge


def _refuse(actor: Actor, relation: permissions.ChallengeRelation) -> None:
    if permissions.may_review(actor, relation):
        raise NotAllowedError("Only owners of the challenge may change who works for it.")
    raise NotFoundError


def _found(session: Session, slug: str) -> Challenge:
    challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
    if challenge is None:
        raise NotFoundError
    return challenge


def _to_be_named(
    session: Session, actor: Actor, challenge: Challenge, person_id: str, role: Role
) -> tuple[Person, Organiser | None]:
    person = session.get(Person, person_id)
    if person is None or person.deleted_at or person.blocked_at:
        raise ParticipantError(NO_SUCH_PERSON, reason="no_such_person")
    if not permissions.may_change_role_of(actor, person.id):
        raise ParticipantError(OWN_ROLE, reason="own_role")
    row = session.get(Organiser, (challenge.id, person.id))
    if row is not None and row.role is role:
        raise ParticipantError("This person has this role already.", reason="has_role")
    if row is not None and row.role is Role.OWNER:
        _check_not_last(session, challenge.id)
    return person, row


def _check_not_last(session: Session, challenge_id: str) -> None:
    if queries.owners_in(session, challenge_id) <= 1:
        raise ParticipantError(LAST_OWNER, reason="last_owner")
