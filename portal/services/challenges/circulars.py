"""Mails of organisers to participants: who gets one, sending it, how far it is, and stopping it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.queries.challenges import circulars as queries
from portal.db.tables import Challenge, Circular, Phase
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.announcements import checked_text, checked_title
from portal.domain.challenges.circulars import A_DAY, OF_A_PHASE, PAGE_SIZE, Recipients, check_pace
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.mail.kinds import MailKind, MailState
from portal.domain.pagination import Slice
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.mail import queue


@dataclass(frozen=True, slots=True, kw_only=True)
class CircularFacts:
    """A circular, and how far it is."""

    id: str
    title: str
    text: str
    recipients: Recipients
    phase: str
    """Its title; empty: whichever phase."""
    number: int
    by: str
    made_at: datetime
    stopped_at: datetime | None
    progress: Mapping[MailState, int]
    """Mails by state; empty once they are forgotten."""

    @property
    def is_under_way(self) -> bool:
        """Whether some of it is still to be sent."""
        return self.stopped_at is None and self.progress.get(MailState.QUEUED, 0) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CircularsPage:
    """What was sent, the newest first."""

    frame: Frame
    items: tuple[CircularFacts, ...]
    pages: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is shown before a circular is sent."""

    title: str
    text: str
    number: int
    """How many people it is for."""


def circulars_page(
    session: Session, *, actor: Actor, slug: str, page: int, now: datetime
) -> CircularsPage:
    """Return what was sent, to whoever organises the challenge. Raises ``NotFoundError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_send_circulars(actor, visible.relation):
        raise NotFoundError
    found = queries.page_of(
        session, visible.challenge.id, offset=(page - 1) * PAGE_SIZE, size=PAGE_SIZE
    )
    if page > 1 and not found:
        raise NotFoundError
    titles = {phase.id: phase.title for phase in visible.challenge.phases}
    progress = queries.progress(session, [row.id for row, _ in found])
    return CircularsPage(
        frame=visible.frame,
        items=tuple(
            CircularFacts(
                id=row.id,
                title=row.title,
                text=row.words,
                recipients=row.recipients,
                phase=titles.get(row.phase_id or "", ""),
                number=row.number,
                by=row.author.names.own,
                made_at=row.made_at,
                stopped_at=row.stopped_at,
                progress=progress[row.id],
            )
            for row, _ in found
        ),
        pages=Slice(number=page, total=found[0][1] if found else 0, size=PAGE_SIZE),
    )


def preview(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    title: str,
    text: str,
    recipients: Recipients,
    phase: str,
) -> Preview:
    """Return what would be sent, and to how many; raise as ``send`` would."""
    visible = access.find(session, actor, slug)
    if not permissions.may_send_circulars(actor, visible.relation):
        raise NotFoundError
    access.check_may_change(visible.relation)
    phase_id = _phase(session, visible.challenge, recipients, phase)
    people = queries.people(session, visible.challenge.id, recipients, phase_id)
    return Preview(title=checked_title(title), text=checked_text(text), number=len(people))


def send(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    title: str,
    text: str,
    recipients: Recipients,
    phase: str,
    shown: int,
    now: datetime,
    by_mail: bool,
) -> str:
    """Queue a mail to each of the people whom it is for; return its id. The same as the last one sends nothing.

    ``shown`` is how many people the organiser was shown. Raises ``NotFoundError``, ``NotAllowedError``, and
    ``ParticipantError`` whose reason names the field, or is ``number`` where others are meant by now.
    """
    challenge = _locked(session, actor, slug)
    if not by_mail:
        raise ParticipantError("This site sends no mail.")
    title, text = checked_title(title), checked_text(text)
    phase_id = _phase(session, challenge, recipients, phase)
    last = session.scalar(
        select(Circular)
        .where(Circular.challenge_id == challenge.id)
        .order_by(Circular.made_at.desc(), Circular.id.desc())
        .limit(1)
    )
    wanted = (title, text, recipients, phase_id)
    if last is not None and wanted == (last.title, last.words, last.recipients, last.phase_id):
        return last.id
    check_pace(_sent_since(session, challenge.id, now - A_DAY))
    people = queries.people(session, challenge.id, recipients, phase_id)
    if not people:
        raise ParticipantError("There is nobody for whom it would be.", reason="to")
    if len(people) != shown:
        raise ParticipantError(
            f"By now it is for {len(people)} people. Look at it again, and decide.", reason="number"
        )
    row = Circular(
        id=new_id(now),
        challenge_id=challenge.id,
        title=title,
        words=text,
        recipients=recipients,
        phase_id=phase_id,
        number=len(people),
        made_by=str(actor.person_id),
        made_at=now,
    )
    session.add(row)
    session.flush()
    queue.queue_all(session, MailKind.CIRCULAR, row.id, challenge.id, people, now=now)
    _note(session, actor, Action.CIRCULAR_SENT, row, now, to=recipients.value, people=len(people))
    return row.id


def stop(session: Session, *, actor: Actor, slug: str, circular_id: str, now: datetime) -> None:
    """Send nothing further of a circular; what was sent is not called back. Idempotent."""
    challenge = _locked(session, actor, slug)
    row = session.get(Circular, circular_id)
    if row is None or row.challenge_id != challenge.id:
        raise NotFoundError
    if row.stopped_at is None:
        row.stopped_at = now
        _note(session, actor, Action.CIRCULAR_STOPPED, row, now)


def _locked(session: Session, actor: Actor, slug: str) -> Challenge:
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_send_circulars(actor, relation):
        if permissions.may_review(actor, relation):
            raise NotAllowedError("Only those who organise the challenge write to participants.")
        raise NotFoundError
    access.check_may_change(relation)
    return challenge


def _phase(session: Session, challenge: Challenge, recipients: Recipients, slug: str) -> str | None:
    if not slug or recipients not in OF_A_PHASE:
        return None
    found = session.scalar(
        select(Phase.id).where(Phase.challenge_id == challenge.id, Phase.slug == slug)
    )
    if found is None:
        raise ParticipantError("Choose one of the phases of this challenge.", reason="phase")
    return found


def _sent_since(session: Session, challenge_id: str, since: datetime) -> int:
    sent = select(func.count()).where(
        Circular.challenge_id == challenge_id, Circular.made_at > since
    )
    return session.scalar(sent) or 0


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: Circular,
    now: datetime,
    **detail: str | int,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="circular", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
        **detail,
    )
