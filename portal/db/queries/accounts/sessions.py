"""Finding the session of a cookie."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.orm import Session

from portal.db.tables import Account, LoginSession, Person, TermsAcceptance


class SessionRow(NamedTuple):
    """A session and whose it is."""

    person_id: str | None
    person: Person | None
    grants_staff: bool | None
    has_accepted: bool
    account: tuple[str | None, str | None]
    acr: str
    data: dict[str, Any]
    seen_at: datetime
    expires_at: datetime


def with_person(session: Session, secret_sha256: str, terms_version: str) -> SessionRow | None:
    """Return the session and its person, in one query."""
    accepted = exists().where(
        TermsAcceptance.person_id == LoginSession.person_id,
        TermsAcceptance.version == terms_version,
    )
    row = session.execute(
        select(LoginSession, Person, Account.grants_staff, accepted)
        .join(Person, Person.id == LoginSession.person_id, isouter=True)
        .join(
            Account,
            and_(Account.issuer == LoginSession.issuer, Account.subject == LoginSession.subject),
            isouter=True,
        )
        .where(LoginSession.secret_sha256 == secret_sha256)
    ).one_or_none()
    if row is None:
        return None
    login, person, grants_staff, has_accepted = row
    return SessionRow(
        person_id=login.person_id,
        person=person,
        grants_staff=grants_staff,
        has_accepted=has_accepted,
        account=(login.issuer, login.subject),
        acr=login.acr,
        data=login.data,
        seen_at=login.seen_at,
        expires_at=login.expires_at,
    )


def end(session: Session, *which: ColumnElement[bool]) -> int:
    """Log out the browsers that fit all conditions; return how many."""
    ended = session.scalars(
        delete(LoginSession)
        .where(*which)
        .returning(LoginSession.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())
