"""Asking the organisers of a challenge something, answering it, and saying who reads it."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.challenges import questions as queries
from portal.db.tables import Person, Question
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.announcements import checked_text, checked_title
from portal.domain.challenges.questions import (
    A_DAY,
    OVER,
    Asking,
    QuestionState,
    check_pace,
    clean_note,
)
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Visible, look_up
from portal.services.mail import queue
from site_config.markdown_bounds import excess_of

NOT_THERE = "Whoever takes part in the challenge asks questions: join it first."


def ask(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    title: str,
    text: str,
    now: datetime,
    by_mail: bool = False,
) -> str:
    """Ask something; return its id. To ask again what one asked last changes nothing.

    ``by_mail``: organisers are informed that questions wait. Raises ``NotFoundError``, ``NotAllowedError``, and
    ``ParticipantError`` whose reason names the field.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if visible.challenge.q_and_a is Asking.NOBODY:
        raise NotFoundError
    if not may_ask(actor, visible):
        raise _not_now(visible)
    access.check_may_change(visible.relation)
    title, text = checked_title(title), checked_markdown(text)
    me = str(actor.person_id)
    # One person's questions are asked one after the other, so that none gets around the limits.
    session.get_one(Person, me, with_for_update={"key_share": True})
    challenge_id = visible.challenge.id
    last = queries.last_of(session, challenge_id, me)
    if last is not None and (last.title, last.words) == (title, text):
        return last.id
    check_pace(
        asked_in_a_day=queries.asked_since(session, challenge_id, me, now - A_DAY),
        waiting=queries.waiting_of(session, challenge_id, me),
    )
    row = Question(
        id=new_id(now),
        challenge_id=challenge_id,
        asked_by=me,
        title=title,
        words=text,
        state=QuestionState.WAITING,
        asked_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, actor, Action.QUESTION_ASKED, row, now)
    if by_mail:
        queue.asked(session, challenge_id, now=now)
    return row.id


def answer(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    question_id: str,
    answer: str,
    is_public: bool,
    title: str | None = None,
    text: str | None = None,
    now: datetime,
    by_mail: bool = False,
) -> None:
    """Answer a question, or change its answer; ``title`` and ``text`` stand for the question's own from then on.

    Public: whoever may read answers reads both, without a name of who asked; else only who asked. ``by_mail``: who
    asked is informed of the first answer. Doing it again changes nothing.
    """
    row = _to_be_changed(session, actor, slug, question_id, now)
    said = checked_markdown(answer, field="answer")
    shown = (
        row.title if title is None else checked_title(title),
        row.words if text is None else checked_markdown(text),
    )
    state = QuestionState.ANSWERED if is_public else QuestionState.PRIVATE
    if (row.answer, row.title, row.words, row.state) == (said, *shown, state):
        return
    is_first = row.answered_at is None
    row.answer, row.state, row.note = said, state, ""
    row.title, row.words = shown
    row.answered_by = str(actor.person_id)
    if is_first:
        row.answered_at = now
    else:
        row.edited_at = now
    _note(session, actor, Action.QUESTION_ANSWERED, row, now, public=is_public)
    if by_mail and is_first:
        queue.answered(session, row, now=now)


def end(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    question_id: str,
    state: QuestionState,
    note: str,
    now: datetime,
) -> None:
    """Hide a question, or close it without an answer, with a reason that who asked reads. Idempotent."""
    if state not in OVER:
        raise ParticipantError("A question is hidden or closed.", reason="state")
    row = _to_be_changed(session, actor, slug, question_id, now)
    why = clean_note(note)
    if (row.state, row.note) != (state, why):
        row.state, row.note = state, why
        _note(session, actor, Action.QUESTION_MODERATED, row, now, state=state.value)


def reopen(session: Session, *, actor: Actor, slug: str, question_id: str, now: datetime) -> None:
    """Take back that a question was hidden or closed; an answer that it had is for who asked only. Idempotent."""
    row = _to_be_changed(session, actor, slug, question_id, now)
    if row.state in OVER:
        row.state = QuestionState.PRIVATE if row.answer else QuestionState.WAITING
        row.note = ""
        _note(session, actor, Action.QUESTION_MODERATED, row, now, state=row.state.value)


def may_ask(actor: Actor, visible: Visible) -> bool:
    """Whether the actor may ask something in a challenge that they see."""
    return visible.challenge.q_and_a is not Asking.NOBODY and permissions.may_ask(
        actor, visible.relation, takes_part=takes_part(visible)
    )


def takes_part(visible: Visible) -> bool:
    """Whether the actor takes part in a challenge, and was not put out of it."""
    state = visible.frame.participation
    return visible.frame.takes_part and not (state is not None and state.is_out)


def checked_markdown(text: str, field: str = "text") -> str:
    """Return a text as it is kept. Raises ``ParticipantError`` whose reason is the field."""
    try:
        kept = checked_text(text)
    except ParticipantError as refusal:
        raise ParticipantError(refusal.message, reason=field) from refusal
    if excess := excess_of(kept):
        raise ParticipantError(f"The text cannot be shown: {excess}.", reason=field)
    return kept


def _not_now(visible: Visible) -> NotAllowedError:
    if visible.relation.banned:
        return NotAllowedError(access.BANNED, reason="banned")
    return NotAllowedError(NOT_THERE, reason="join")


def _to_be_changed(
    session: Session, actor: Actor, slug: str, question_id: str, now: datetime
) -> Question:
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_answer(actor, visible.relation):
        raise NotFoundError
    access.check_may_change(visible.relation)
    row = session.get(Question, question_id, with_for_update=True)
    if row is None or row.challenge_id != visible.challenge.id:
        raise NotFoundError
    return row


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: Question,
    now: datetime,
    **detail: str | bool,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="question", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
        **detail,
    )
