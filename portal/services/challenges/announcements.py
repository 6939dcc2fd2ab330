"""Announcing something to everybody who sees a challenge, correcting it, and taking it down."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Announcement, Challenge
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.announcements import A_DAY, check_pace, checked_text, checked_title
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.mail import queue
from site_config.markdown_bounds import excess_of


def announce(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    title: str,
    text: str,
    now: datetime,
    by_mail: bool = False,
) -> str:
    """Announce something; return its id. To announce again what was announced last changes nothing.

    ``by_mail``: whoever takes part gets it as a mail as well, as far as they want to.

    Raises ``NotFoundError`` for whoever does not work for the challenge, ``NotAllowedError`` for its reviewers,
    and ``ParticipantError`` whose reason names the field.
    """
    challenge = _locked(session, actor, slug)
    title, text = checked(title, text)
    last = session.scalar(
        select(Announcement)
        .where(Announcement.challenge_id == challenge.id)
        .order_by(Announcement.made_at.desc(), Announcement.id.desc())
        .limit(1)
    )
    if (
        last is not None
        and last.withdrawn_at is None
        and (last.title, last.markdown) == (title, text)
    ):
        return last.id
    check_pace(_made_since(session, challenge.id, now - A_DAY))
    row = Announcement(
        id=new_id(now),
        challenge_id=challenge.id,
        title=title,
        markdown=text,
        made_by=str(actor.person_id),
        made_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, actor, Action.ANNOUNCED, row, now)
    if by_mail:
        queue.announced(session, row, now=now)
    return row.id


def correct(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    announcement_id: str,
    title: str,
    text: str,
    now: datetime,
) -> None:
    """Put other words in the place of an announcement's; it says from then on that it was corrected.

    The words before are not kept, so that what should not have been published can be removed.
    """
    row = _to_be_changed(session, actor, slug, announcement_id)
    title, text = checked(title, text)
    if (row.title, row.markdown) == (title, text):
        return
    row.title, row.markdown, row.edited_at = title, text, now
    _note(session, actor, Action.ANNOUNCEMENT_CORRECTED, row, now)


def take_down(
    session: Session, *, actor: Actor, slug: str, announcement_id: str, now: datetime
) -> None:
    """Show an announcement to nobody but organisers. Idempotent."""
    row = _to_be_changed(session, actor, slug, announcement_id)
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        _note(session, actor, Action.ANNOUNCEMENT_WITHDRAWN, row, now)


def put_back(
    session: Session, *, actor: Actor, slug: str, announcement_id: str, now: datetime
) -> None:
    """Show an announcement again that was taken down. Idempotent."""
    row = _to_be_changed(session, actor, slug, announcement_id)
    if row.withdrawn_at is not None:
        row.withdrawn_at = None
        _note(session, actor, Action.ANNOUNCEMENT_RESTORED, row, now)


def checked(title: str, text: str) -> tuple[str, str]:
    """Return title and text as they are kept. Raises ``ParticipantError`` whose reason names the field."""
    title, text = checked_title(title), checked_text(text)
    if excess := excess_of(text):
        raise ParticipantError(f"The text cannot be shown: {excess}.", reason="text")
    return title, text


def _made_since(session: Session, challenge_id: str, since: datetime) -> int:
    made = select(func.count()).where(
        Announcement.challenge_id == challenge_id, Announcement.made_at > since
    )
    return session.scalar(made) or 0


def _locked(session: Session, actor: Actor, slug: str) -> Challenge:
    """Find a challenge of the actor's in which nobody else announces something meanwhile."""
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if permissions.may_announce(actor, relation):
        access.check_may_change(relation)
        return challenge
    if permissions.may_review(actor, relation):
        raise NotAllowedError("Only those who organise the challenge announce something.")
    raise NotFoundError


def _to_be_changed(session: Session, actor: Actor, slug: str, announcement_id: str) -> Announcement:
    challenge = _locked(session, actor, slug)
    row = session.get(Announcement, announcement_id)
    if row is None or row.challenge_id != challenge.id:
        raise NotFoundError
    return row


def _note(session: Session, actor: Actor, action: Action, row: Announcement, now: datetime) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="announcement", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
    )
