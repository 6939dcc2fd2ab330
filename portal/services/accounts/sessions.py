"""Logged-in browsers: found by the digest of what their cookie holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portal.db.queries.accounts import sessions as queries
from portal.db.tables import LoginSession
from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.accounts.sessions import SessionLimits, is_worth_noting
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session that may be used."""

    actor: Actor
    data: dict[str, Any]
    to_note: bool
    """Whether the last sight of the browser should be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who has just logged in, and what the provider said of this login."""

    person_id: str
    issuer: str | None = None
    subject: str | None = None
    provider_id: str = ""
    provider_session: str | None = None
    id_token: str = ""
    acr: str = ""


def find(
    session: Session,
    *,
    secret_sha256: str,
    limits: SessionLimits,
    terms_version: str,
    origin: str,
    now: datetime,
) -> Login | None:
    """Return the session of a cookie, unless there is none, it is over, or its person is blocked.

    ``terms_version`` is the version of the site's terms that has to be accepted; empty: none.
    """
    row = queries.with_person(session, secret_sha256, terms_version)
    if row is None or limits.is_over(seen_at=row.seen_at, expires_at=row.expires_at, now=now):
        return None
    if row.person is not None and (row.person.blocked_at or row.person.deleted_at):
        return None
    return Login(
        actor=_actor(row, terms_version, origin),
        data=row.data,
        to_note=is_worth_noting(seen_at=row.seen_at, now=now),
    )


def _actor(row: queries.SessionRow, terms_version: str, origin: str) -> Actor:
    if row.person is None:
        return VISITOR
    issuer, subject = row.account
    return Actor(
        person_id=row.person.id,
        name=row.person.names.own,
        is_staff=row.person.is_staff or bool(row.grants_staff),
        has_accepted=not terms_version or row.has_accepted,
        account=(issuer, subject) if issuer is not None and subject is not None else None,
        acr=row.acr,
        origin=origin,
    )


def start(
    session: Session,
    *,
    secret_sha256: str,
    replaces: str | None,
    signed_in: SignedIn | None,
    data: dict[str, Any],
    agent: str,
    origin: str,
    limits: SessionLimits,
    now: datetime,
) -> None:
    """Write a new session and delete the one that it replaces, and whatever has expired."""
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    if replaces is not None:
        end(session, secret_sha256=replaces)
    row = LoginSession(
        secret_sha256=secret_sha256,
        id=new_id(now),
        data=data,
        created_at=now,
        seen_at=now,
        expires_at=limits.expiry(logged_in=signed_in is not None, now=now),
        agent=agent,
        origin=origin,
    )
    if signed_in is not None:
        row.person_id = signed_in.person_id
        row.issuer, row.subject = signed_in.issuer, signed_in.subject
        row.provider_id = signed_in.provider_id
        row.provider_session = signed_in.provider_session
        row.id_token = signed_in.id_token
        row.acr = signed_in.acr
    session.add(row)


def keep(
    session: Session,
    *,
    secret_sha256: str,
    data: dict[str, Any],
    now: datetime,
    becomes: str | None = None,
) -> None:
    """Write what a session holds now, and that its browser was seen.

    ``becomes`` is the digest of the secret that opens it from now on, instead of the old one.
    """
    session.execute(
        update(LoginSession)
        .where(LoginSession.secret_sha256 == secret_sha256)
        .values(data=data, seen_at=now, secret_sha256=becomes or secret_sha256)
    )


def end(session: Session, *, secret_sha256: str) -> None:
    """Log a browser out: its cookie opens nothing any more."""
    session.execute(delete(LoginSession).where(LoginSession.secret_sha256 == secret_sha256))


def end_one(
    session: Session, *, actor: Actor, person_id: str | None, session_id: str, now: datetime
) -> None:
    """Log one browser of a person out, as they or staff ask. Raises ``NotFoundError``."""
    mine = LoginSession.person_id == person_id
    if not queries.end(session, mine, LoginSession.id == session_id):
        raise NotFoundError
    audit_log.note(
        session,
        actor=actor,
        action=Action.SESSION_ENDED,
        subject=Subject(kind="session", id=session_id),
        now=now,
        person=person_id,
    )


def end_all(
    session: Session, *, actor: Actor, person_id: str | None, but: str = "", now: datetime
) -> int:
    """Log all browsers of a person out but the one whose secret has this digest; return how many.

    Where there are none, nothing is written down either.
    """
    others = LoginSession.secret_sha256 != but
    ended = queries.end(session, LoginSession.person_id == person_id, others)
    if ended:
        audit_log.note(
            session,
            actor=actor,
            action=Action.SESSIONS_ENDED,
            subject=Subject(kind="person", id=str(person_id)),
            now=now,
            sessions=ended,
        )
    return ended
