"""API tokens: made and revoked by their owner, and looked up when a program brings one."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as queries
from portal.db.tables import ApiToken, Person, TermsAcceptance
from portal.domain.accounts.claims import clean_name
from portal.domain.accounts.people import MAX_NAME_CHARS, Actor, ActorKind
from portal.domain.accounts.tokens import (
    MAX_LIFETIME,
    MAX_LIVE,
    PREFIX,
    Scope,
    TokenState,
    digest,
    state_of,
)
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log

LAST_SEEN_INTERVAL = timedelta(minutes=5)
"""How exactly it is known when a token was last used: a write per request would be too many."""


class TokenProblem(StrEnum):
    """Why a token lets nobody in."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """A token as its owner sees it; the secret is gone for ever."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    state: TokenState


def tokens_of(session: Session, *, actor: Actor, now: datetime) -> tuple[TokenFacts, ...]:
    """List the actor's tokens, the newest first; those that let nobody in any more included."""
    rows = session.scalars(
        select(ApiToken).where(ApiToken.person_id == actor.person_id).order_by(ApiToken.id.desc())
    )
    return tuple(_facts(row, now) for row in rows)


def make(
    session: Session,
    *,
    actor: Actor,
    name: str,
    scopes: Collection[Scope],
    lasts: timedelta,
    now: datetime,
) -> str:
    """Make a token and return it: this is the only time that it is seen, as its digest is stored.

    Raises ``ParticipantError`` with the field as its reason.
    """
    name = clean_name(name)[:MAX_NAME_CHARS]
    if not name:
        raise ParticipantError("Say what the token is for.", reason="name")
    if not scopes:
        raise ParticipantError("Choose what the token may do.", reason="scopes")
    if not timedelta(0) < lasts <= MAX_LIFETIME:
        raise ParticipantError("Choose how long the token lasts.", reason="days")
    # Locked: two requests at once could otherwise both make the last one.
    if queries.locked(session, str(actor.person_id)).deleted_at is not None:
        raise NotAllowedError("Log in to make a token.")
    if _live(session, actor, now) >= MAX_LIVE:
        raise ParticipantError(
            f"You have {MAX_LIVE} tokens that work. Revoke one that you no longer need first."
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        id=new_id(now),
        person_id=str(actor.person_id),
        name=name,
        secret_sha256=digest(secret),
        scopes=[str(scope) for scope in Scope if scope in scopes],
        created_at=now,
        expires_at=now + lasts,
    )
    session.add(row)
    _note(session, actor, Action.TOKEN_MADE, row, now, scopes=row.scopes)
    return secret


def revoke(session: Session, *, actor: Actor, token_id: str, now: datetime) -> None:
    """Make a token useless at once; doing it again changes nothing."""
    row = session.scalar(
        select(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.person_id == actor.person_id)
        .with_for_update()
    )
    if row is None:
        raise NotFoundError
    if row.revoked_at is None:
        row.revoked_at = now
        _note(session, actor, Action.TOKEN_REVOKED, row, now)


def actor_of(
    session: Session, *, secret: str, origin: str, terms_version: str, now: datetime
) -> Actor | TokenProblem:
    """Return whom a token speaks for, or why it speaks for nobody; note now and then that it was used.

    A token of somebody who is blocked or deleted is unknown. Nobody is staff by a token.
    """
    accepted = exists().where(
        TermsAcceptance.person_id == ApiToken.person_id, TermsAcceptance.version == terms_version
    )
    row = session.execute(
        select(ApiToken, Person, accepted)
        .join(Person, Person.id == ApiToken.person_id)
        .where(ApiToken.secret_sha256 == digest(secret))
    ).one_or_none()
    if row is None or row[1].blocked_at is not None or row[1].deleted_at is not None:
        return TokenProblem.UNKNOWN
    token, person, has_accepted = row
    state = state_of(expires_at=token.expires_at, revoked_at=token.revoked_at, now=now)
    if state is not TokenState.LIVE:
        return TokenProblem(state)
    if token.last_used_at is None or now - token.last_used_at >= LAST_SEEN_INTERVAL:
        token.last_used_at = now
    return Actor(
        person_id=person.id,
        name=person.names.own,
        kind=ActorKind.TOKEN,
        scopes=frozenset(Scope(scope) for scope in token.scopes),
        has_accepted=not terms_version or has_accepted,
        origin=origin,
    )


def _live(session: Session, actor: Actor, now: datetime) -> int:
    statement = select(func.count()).where(
        ApiToken.person_id == actor.person_id,
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > now,
    )
    return session.scalar(statement) or 0


def _facts(row: ApiToken, now: datetime) -> TokenFacts:
    return TokenFacts(
        id=row.id,
        name=row.name,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        state=state_of(expires_at=row.expires_at, revoked_at=row.revoked_at, now=now),
    )


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: ApiToken,
    now: datetime,
    **detail: list[str],
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="token", id=row.id),
        challenge_id=None,
        now=now,
        **detail,
    )
