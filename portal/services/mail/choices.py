"""Which mails somebody gets: their choice on a page, and the link in every mail that ends a kind."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.queries.accounts import people as queries
from portal.db.tables import MailChoice
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.domain.mail.addresses import address_of
from portal.domain.mail.kinds import MailTopic
from portal.services.audit import log as audit_log

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """What a person gets by mail, and where to."""

    address: str | None
    """None: no provider of theirs has given one that can be used."""
    wanted: frozenset[MailTopic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the link in a mail is about."""

    topic: MailTopic
    is_wanted: bool
    """Whether such mails are still sent."""


def mail_page(session: Session, *, actor: Actor) -> MailPage:
    """Return what the actor gets by mail."""
    person_id = _known(actor)
    row = session.get(MailChoice, person_id)
    return MailPage(address=address(session, person_id), wanted=wanted(row))


def choose(session: Session, *, actor: Actor, wants: Collection[MailTopic], now: datetime) -> None:
    """Write down which mails the actor wants. Idempotent."""
    _refuse(session, actor, _known(actor), frozenset(MailTopic) - frozenset(wants), now=now)


def look_at_link(session: Session, *, token: str, topic: str) -> Link:
    """Return what a link is about; changes nothing, as programs open links of mails. Raises ``NotFoundError``."""
    row, meant = _found(session, token, topic)
    return Link(topic=meant, is_wanted=meant in wanted(row))


def unsubscribe(session: Session, *, actor: Actor, token: str, topic: str, now: datetime) -> Link:
    """End mails of a kind for whoever the link was sent to; nobody logs in for that. Idempotent.

    Raises ``NotFoundError`` for a link that there is not.
    """
    row, meant = _found(session, token, topic)
    _refuse(session, actor, row.person_id, _refused(row) | {meant}, now=now)
    return Link(topic=meant, is_wanted=False)


def address(session: Session, person_id: str) -> str | None:
    """Return where mails to a person go: what the provider of their last login says that has an address."""
    found = (address_of(row.claims) for row in queries.accounts_of(session, person_id))
    return next((one for one in found if one), None)


def choice_of(session: Session, person_id: str, *, now: datetime) -> MailChoice:
    """Return what a person chose, with the token of their links; it is made when it is needed first."""
    row = session.get(MailChoice, person_id)
    if row is None:
        row = MailChoice(
            person_id=person_id,
            token=secrets.token_urlsafe(TOKEN_BYTES),
            refused=[],
            changed_at=now,
        )
        if not insert_if_absent(session, row):
            row = session.get_one(MailChoice, person_id, populate_existing=True)
    return row


def wanted(row: MailChoice | None) -> frozenset[MailTopic]:
    """Return which mails somebody wants."""
    return frozenset(MailTopic) - (_refused(row) if row else frozenset())


def _refused(row: MailChoice) -> frozenset[MailTopic]:
    return frozenset(topic for topic in MailTopic if topic in row.refused)


def _found(session: Session, token: str, topic: str) -> tuple[MailChoice, MailTopic]:
    row = session.scalar(select(MailChoice).where(MailChoice.token == token)) if token else None
    if row is None or topic not in set(MailTopic):
        raise NotFoundError("This link is not valid any more.")
    return row, MailTopic(topic)


def _refuse(
    session: Session, actor: Actor, person_id: str, topics: frozenset[MailTopic], *, now: datetime
) -> None:
    row = choice_of(session, person_id, now=now)
    session.refresh(row, with_for_update=True)
    before = _refused(row)
    if before == topics:
        return
    row.refused, row.changed_at = sorted(topics), now
    audit_log.note(
        session,
        actor=actor,
        action=Action.MAIL_CHOSEN,
        subject=Subject(kind="person", id=person_id),
        now=now,
        refused=sorted(topics),
    )


def _known(actor: Actor) -> str:
    if actor.person_id is None:
        raise NotAllowedError("Log in to choose which mails you get.")
    return actor.person_id
