"""Links that let people into a team."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Challenge, Invitation, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import INVITATION_LASTS, ParticipationState, check_frozen
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.teams import joining, membership, teams

MAX_OPEN = 20
"""Links of one team that work at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationPage:
    """What somebody who follows a link is shown before they join."""

    challenge_slug: str
    challenge: str
    team: str
    members: int
    largest: int
    expires_at: datetime
    is_mine: bool
    """Whether the actor is in the team already."""
    state: ParticipationState | None
    policy: str
    terms: str
    """Those of the challenge where they have to be accepted to join; else empty."""


def invite(session: Session, *, actor: Actor, slug: str, now: datetime) -> str:
    """Make a link for the actor's team and return its secret: the only time that it is seen."""
    challenge, team = _team_to_invite_into(session, actor, slug, now)
    check_frozen(challenge.rosters_freeze_at, now=now)
    if len(open_of(session, team.id, now=now)) >= MAX_OPEN:
        raise ParticipantError("Your team has many links that work. Withdraw one of them first.")
    secret = secrets.token_urlsafe(32)
    row = Invitation(
        id=new_id(now),
        team_id=team.id,
        secret_sha256=_digest(secret),
        created_by=str(actor.person_id),
        created_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    session.add(row)
    _note(session, actor, Action.TEAM_INVITED, challenge.id, row.id, now)
    return secret


def withdraw(
    session: Session, *, actor: Actor, slug: str, invitation_id: str, now: datetime
) -> None:
    """Make a link of the actor's team useless; doing it again changes nothing."""
    challenge, team = membership.own_team(session, actor, slug)
    row = session.get(Invitation, invitation_id)
    if row is None or row.team_id != team.id:
        raise NotFoundError
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        _note(session, actor, Action.TEAM_INVITATION_WITHDRAWN, challenge.id, row.id, now)


def invitation_page(
    session: Session, *, actor: Actor, secret: str, now: datetime
) -> InvitationPage:
    """Return whose team a link leads into. Raises ``ParticipantError`` if it does not work."""
    row, team, challenge = _find(session, actor, secret, now)
    members = membership.members_of(session, team.id)
    return InvitationPage(
        challenge_slug=challenge.slug,
        challenge=challenge.title,
        team=team.name,
        members=len(members),
        largest=challenge.team_size,
        expires_at=row.expires_at,
        is_mine=actor.person_id in members,
        state=joining.state_of(session, challenge.id, actor),
        policy=challenge.join_policy,
        terms=joining.terms_to_accept(session, challenge, actor),
    )


def accept(session: Session, *, actor: Actor, secret: str, accepts: bool, now: datetime) -> str:
    """Join the team of a link; return the challenge's slug. ``accepts``: its terms, as they were shown.

    The challenge lets people in first: a link into a team opens no challenge. Raises ``ParticipantError``.
    """
    _, team, challenge = _find(session, actor, secret, now)
    joining.accept_terms(session, challenge, actor, accepts=accepts, now=now)
    membership.join(session, actor=actor, challenge=challenge, team_id=team.id, now=now)
    # Until the team was locked the link may have been withdrawn, or the team have merged.
    _find(session, actor, secret, now)
    return challenge.slug


def open_of(session: Session, team_id: str, *, now: datetime) -> list[Invitation]:
    """List the links of a team that work, the oldest first."""
    return list(
        session.scalars(
            select(Invitation)
            .where(
                Invitation.team_id == team_id,
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at > now,
            )
            .options(joinedload(Invitation.author))
            .order_by(Invitation.id)
        )
    )


def _team_to_invite_into(
    session: Session, actor: Actor, slug: str, now: datetime
) -> tuple[Challenge, Team]:
    """Return the actor's team; whoever takes part and is in none gets a team of one."""
    challenge = access.find_to_submit(session, actor, slug, what="invite others").challenge
    if joining.state_of(session, challenge.id, actor) is ParticipationState.ADMITTED:
        teams.join_alone(session, actor=actor, challenge_id=challenge.id, now=now)
    return membership.own_team(session, actor, slug)


def _find(
    session: Session, actor: Actor, secret: str, now: datetime
) -> tuple[Invitation, Team, Challenge]:
    found = session.execute(
        select(Invitation, Team, Challenge)
        .join(Team, Team.id == Invitation.team_id)
        .join(Challenge, Challenge.id == Team.challenge_id)
        .where(Invitation.secret_sha256 == _digest(secret)),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise ParticipantError(NO_GOOD, reason="invitation")
    row, team, challenge = found
    if row.withdrawn_at is not None or now >= row.expires_at or team.merged_into_id is not None:
        raise ParticipantError(NO_GOOD, reason="invitation")
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_see_challenge(actor, relation):
        raise NotFoundError
    if not permissions.may_take_part(actor, relation):
        raise access.not_now(relation, "join the team")
    return row, team, challenge


NO_GOOD = (
    "This invitation does not work: it has expired or was withdrawn, or part of the address is "
    "missing. Ask your team for a new one."
)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    challenge_id: str,
    invitation_id: str,
    now: datetime,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="invitation", id=invitation_id),
        challenge_id=challenge_id,
        now=now,
    )
