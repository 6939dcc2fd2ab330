"""Inviting somebody by e-mail to work for a challenge; the role is of the account that accepts."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, joinedload

from portal.db.queries.teams import participation_lists
from portal.db.tables import (
    Account,
    Challenge,
    Organiser,
    Person,
    RoleInvitation,
    RoleInvitationLink,
)
from portal.domain import permissions
from portal.domain.accounts.claims import LoginSays, login_says
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges import role_invitations as rules
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.permissions import Role
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.mail import queue

SECRET_BYTES = 32
MAX_LISTED = 50
"""Invitations in the list: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedFacts:
    """An invitation, as owners see it."""

    id: str
    role: Role
    address: str
    """Empty: it has been forgotten."""
    by: str
    made_at: datetime
    expires_at: datetime
    is_open: bool
    is_withdrawn: bool
    accepted_at: datetime | None
    accepted_by: str
    """What to call whoever accepted; empty: nobody has."""
    accepted_login: LoginSays


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleInvitationPage:
    """What somebody who opens a link is shown before they accept."""

    challenge_slug: str
    challenge: str
    role: Role
    had: Role | None
    """What they do for the challenge already."""
    gives_more: bool
    by: str
    expires_at: datetime


def invited(
    session: Session, *, actor: Actor, slug: str, now: datetime
) -> tuple[InvitedFacts, ...]:
    """List the invitations of a challenge, the newest first, for whoever names its roles; else none."""
    visible = access.find(session, actor, slug)
    if not permissions.may_name_roles(actor, visible.relation):
        return ()
    rows = session.scalars(
        select(RoleInvitation)
        .where(RoleInvitation.challenge_id == visible.challenge.id)
        .options(joinedload(RoleInvitation.author), joinedload(RoleInvitation.guest))
        .order_by(RoleInvitation.made_at.desc(), RoleInvitation.id.desc())
        .limit(MAX_LISTED)
    ).all()
    guests = {row.accepted_by for row in rows if row.accepted_by}
    logins = participation_lists.newest_logins(session, guests) if guests else {}
    return tuple(
        InvitedFacts(
            id=row.id,
            role=row.role,
            address=row.address,
            by=row.author.names.own,
            made_at=row.made_at,
            expires_at=row.expires_at,
            is_open=_is_usable(row, now),
            is_withdrawn=row.withdrawn_at is not None,
            accepted_at=row.accepted_at,
            accepted_by=row.guest.names.own if row.guest else "",
            accepted_login=_login(logins.get(row.accepted_by or "")),
        )
        for row in rows
    )


def invite(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    address: str,
    role: Role,
    now: datetime,
    by_mail: bool,
) -> str:
    """Invite an address to a role; return the invitation's id. An open one for the same is not made again.

    The worker sends the link. Nothing says whether anybody has an account with the address. Raises
    ``NotFoundError``, ``NotAllowedError``, and ``ParticipantError`` whose reason names the field.
    """
    challenge = _locked(session, actor, slug)
    if not by_mail:
        raise ParticipantError("This site sends no mail: give the role by account number.")
    plain = rules.checked_address(address)
    same = session.scalar(
        select(RoleInvitation).where(
            RoleInvitation.challenge_id == challenge.id,
            func.lower(RoleInvitation.address) == plain.lower(),
            *_open(now),
        )
    )
    if same is not None:
        if same.role is role:
            return same.id
        raise ParticipantError(
            "This address has an open invitation to another role. Withdraw that one first.",
            reason="address",
        )
    rules.check_pace(
        open_now=_count(session, RoleInvitation.challenge_id == challenge.id, *_open(now)),
        made_in_a_day=_count(
            session,
            RoleInvitation.invited_by == str(actor.person_id),
            RoleInvitation.made_at > now - rules.A_DAY,
        ),
    )
    row = RoleInvitation(
        id=new_id(now),
        challenge_id=challenge.id,
        role=role,
        address=plain,
        invited_by=str(actor.person_id),
        made_at=now,
        expires_at=now + rules.LASTS,
    )
    session.add(row)
    session.flush()
    queue.invited(session, row, now=now)
    _note(session, actor, Action.ROLE_INVITED, row, now)
    return row.id


def withdraw(
    session: Session, *, actor: Actor, slug: str, invitation_id: str, now: datetime
) -> None:
    """Make an invitation useless, also where its mail is still to be sent. Idempotent."""
    challenge = _locked(session, actor, slug)
    row = session.get(RoleInvitation, invitation_id, with_for_update=True)
    if row is None or row.challenge_id != challenge.id:
        raise NotFoundError
    if row.accepted_at is not None:
        raise ParticipantError("It has been accepted: take the role away instead.")
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        _note(session, actor, Action.ROLE_INVITATION_WITHDRAWN, row, now)


def invitation_page(
    session: Session, *, actor: Actor, secret: str, now: datetime
) -> RoleInvitationPage:
    """Return what an invitation is about, to whoever has its link. Raises ``ParticipantError``; it says nothing else."""
    row, challenge = _found(session, secret, now)
    had = _role_of(session, challenge, actor)
    author = session.get_one(Person, row.invited_by)
    return RoleInvitationPage(
        challenge_slug=challenge.slug,
        challenge=challenge.title,
        role=row.role,
        had=had,
        gives_more=rules.gives_more(row.role, had),
        by=author.names.own,
        expires_at=row.expires_at,
    )


def accept(session: Session, *, actor: Actor, secret: str, now: datetime) -> str:
    """Give the actor the role that a link is for; return the challenge's slug. A link works once.

    Raises ``ParticipantError`` where it does not work, or would give no more than the actor has.
    """
    if actor.person_id is None or not actor.has_accepted:
        raise NotAllowedError("Log in to accept an invitation.")
    row, challenge = _found(session, secret, now)
    # Challenge before invitation, as those who invite and withdraw: one of two who accept waits, and is refused.
    access.lock(session, challenge.slug)
    session.refresh(row, with_for_update=True)
    session.refresh(challenge)
    if not _is_usable(row, now):
        raise ParticipantError(rules.NO_GOOD, reason="invitation")
    access.check_may_change(access.relation_of(session, challenge, actor))
    organiser = session.get(Organiser, (challenge.id, actor.person_id))
    had = organiser.role if organiser else None
    if not rules.gives_more(row.role, had):
        raise ParticipantError("You have this role already, or one that may do more.")
    if organiser is None:
        organiser = Organiser(challenge_id=challenge.id, person_id=actor.person_id)
        session.add(organiser)
    organiser.role, organiser.added_at, organiser.added_by = row.role, now, row.invited_by
    row.accepted_by, row.accepted_at = actor.person_id, now
    _note(session, actor, Action.ROLE_ACCEPTED, row, now, before=had.value if had else None)
    return challenge.slug


def new_link(session: Session, row: RoleInvitation) -> str:
    """Make a secret for a mail that is about to be sent, and return it: the only time that it is seen."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session.add(RoleInvitationLink(secret_sha256=_digest(secret), invitation_id=row.id))
    session.flush()
    return secret


def is_sendable(session: Session, row: RoleInvitation, now: datetime) -> bool:
    """Whether the mail of an invitation is still to be sent: it can be accepted."""
    return _is_usable(row, now) and _may_still_invite(session, row)


def forget_addresses(session: Session, *, before: datetime) -> int:
    """Forget where invitations went that ended before a moment; return how many."""
    ended = func.coalesce(
        RoleInvitation.accepted_at, RoleInvitation.withdrawn_at, RoleInvitation.expires_at
    )
    gone = session.execute(
        update(RoleInvitation)
        .where(RoleInvitation.address != "", ended < before)
        .values(address="")
        .returning(RoleInvitation.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _locked(session: Session, actor: Actor, slug: str) -> Challenge:
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_invite_to_roles(actor, relation):
        if permissions.may_review(actor, relation):
            raise NotAllowedError("Only owners of the challenge may change who works for it.")
        raise NotFoundError
    access.check_may_change(relation)
    return challenge


def _found(session: Session, secret: str, now: datetime) -> tuple[RoleInvitation, Challenge]:
    """Find an invitation that works; whatever is wrong with it, the answer is the same."""
    found = session.execute(
        select(RoleInvitation, Challenge)
        .join(RoleInvitationLink, RoleInvitationLink.invitation_id == RoleInvitation.id)
        .join(Challenge, Challenge.id == RoleInvitation.challenge_id)
        .where(RoleInvitationLink.secret_sha256 == _digest(secret))
    ).one_or_none()
    if found is None or not is_sendable(session, found[0], now):
        raise ParticipantError(rules.NO_GOOD, reason="invitation")
    return found[0], found[1]


def _may_still_invite(session: Session, row: RoleInvitation) -> bool:
    """Whether whoever invited could still do so: an invitation is worth no more than its author."""
    author = session.get(Person, row.invited_by)
    if author is None or author.blocked_at is not None or author.deleted_at is not None:
        return False
    named = session.get(Organiser, (row.challenge_id, row.invited_by))
    if author.is_staff or (named is not None and named.role is Role.OWNER):
        return True
    grants = select(Account.subject).where(
        Account.person_id == row.invited_by, Account.grants_staff
    )
    return session.scalar(grants.limit(1)) is not None


def _role_of(session: Session, challenge: Challenge, actor: Actor) -> Role | None:
    row = session.get(Organiser, (challenge.id, str(actor.person_id)))
    return row.role if row else None


def _is_usable(row: RoleInvitation, now: datetime) -> bool:
    return rules.is_usable(
        expires_at=row.expires_at,
        withdrawn_at=row.withdrawn_at,
        accepted_at=row.accepted_at,
        now=now,
    )


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        RoleInvitation.withdrawn_at.is_(None),
        RoleInvitation.accepted_at.is_(None),
        RoleInvitation.expires_at > now,
    )


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(RoleInvitation).where(*conditions)) or 0


def _login(account: Account | None) -> LoginSays:
    return login_says(account.issuer, account.claims) if account else LoginSays()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: RoleInvitation,
    now: datetime,
    **detail: str | None,
) -> None:
    # Without the address: the log keeps nothing personal.
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="role_invitation", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
        role=row.role.value,
        **detail,
    )
