"""Questions and answers of a challenge, as its pages and programs show them: who asked is for organisers only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.challenges import questions as queries
from portal.db.tables import Question
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.questions import (
    OPEN_TO_ALL,
    PAGE_SIZE,
    Asking,
    QuestionState,
    is_shown,
    states_of,
)
from portal.domain.errors import NotFoundError
from portal.domain.pagination import Slice
from portal.services.challenges.context import Frame, Visible, look_up
from portal.services.challenges.questions import may_ask, takes_part
from portal.services.site.views import name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionFacts:
    """A question with its answer, as far as the actor may read it."""

    id: str
    title: str
    text: str
    state: QuestionState
    asked_at: datetime
    asked_by: str
    """For organisers only; empty for everybody else."""
    asker_id: str
    is_own: bool
    answer: str
    answered_at: datetime | None
    edited_at: datetime | None
    answered_by: str
    """What its author is called in public."""
    note: str
    """Why it was hidden or closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionsPage:
    """A page of questions."""

    frame: Frame
    items: tuple[QuestionFacts, ...]
    pages: Slice
    own: tuple[QuestionFacts, ...]
    """The newest of the actor's own, in whatever state."""
    may_ask: bool
    may_answer: bool
    reads_names: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPage:
    """One question."""

    frame: Frame
    item: QuestionFacts
    may_answer: bool
    reads_names: bool


def questions_page(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    wanted: str = "",
    words: str = "",
    page: int,
    now: datetime,
) -> QuestionsPage:
    """Return a page of the questions that the actor reads, the newest first; those that wait the oldest first.

    ``wanted`` is a state or ``all``, for whoever works for the challenge; without, they get those that wait.
    Raises ``NotFoundError`` where there are no questions for the actor.
    """
    visible = _look_up(session, actor, slug, now)
    works_here = permissions.may_review(actor, visible.relation)
    states = states_of(wanted or QuestionState.WAITING) if works_here else tuple(OPEN_TO_ALL)
    if not states or (wanted and not works_here):
        raise NotFoundError
    is_waiting = tuple(states) == (QuestionState.WAITING,)
    found = queries.page_of(
        session,
        visible.challenge.id,
        states=states if works_here or _reads_answers(actor, visible) else (),
        words=words,
        oldest_first=is_waiting,
        offset=(page - 1) * PAGE_SIZE,
        size=PAGE_SIZE,
    )
    if page > 1 and not found:
        raise NotFoundError
    return QuestionsPage(
        frame=visible.frame,
        items=tuple(_facts(row, actor, reads_names=works_here) for row, _ in found),
        pages=Slice(number=page, total=found[0].total if found else 0, size=PAGE_SIZE),
        own=_own(session, visible, actor) if not works_here else (),
        may_ask=may_ask(actor, visible) and permissions.may_change(visible.relation),
        may_answer=_may_answer(actor, visible),
        reads_names=works_here,
    )


def question_page(
    session: Session, *, actor: Actor, slug: str, question_id: str, now: datetime
) -> QuestionPage:
    """Return one question to whoever reads it. Raises ``NotFoundError``."""
    visible = _look_up(session, actor, slug, now)
    row = queries.one(session, visible.challenge.id, question_id)
    works_here = permissions.may_review(actor, visible.relation)
    if row is None or not (
        works_here
        or is_shown(
            row.state,
            is_own=row.asked_by == actor.person_id,
            reads_answers=_reads_answers(actor, visible),
        )
    ):
        raise NotFoundError
    return QuestionPage(
        frame=visible.frame,
        item=_facts(row, actor, reads_names=works_here),
        may_answer=_may_answer(actor, visible),
        reads_names=works_here,
    )


def ask_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> Frame:
    """Return the frame of the form that asks something. Raises ``NotFoundError``."""
    visible = _look_up(session, actor, slug, now)
    if not may_ask(actor, visible) or not permissions.may_change(visible.relation):
        raise NotFoundError
    return visible.frame


def _look_up(session: Session, actor: Actor, slug: str, now: datetime) -> Visible:
    visible = look_up(session, actor=actor, slug=slug, now=now)
    works_here = permissions.may_review(actor, visible.relation)
    is_open = visible.challenge.q_and_a is not Asking.NOBODY
    # Whoever works for it still reads what was asked before it was switched off.
    if not works_here and not (is_open and _has_part(actor, visible)):
        raise NotFoundError
    return visible


def _has_part(actor: Actor, visible: Visible) -> bool:
    """Whether there may be something for the actor: answers, or what they have asked themselves."""
    frame = visible.frame
    has_part = frame.takes_part or frame.participation is not None
    return _reads_answers(actor, visible) or (actor.is_known and has_part)


def _reads_answers(actor: Actor, visible: Visible) -> bool:
    if visible.challenge.q_and_a is Asking.EVERYBODY:
        return True
    return visible.challenge.q_and_a is Asking.PARTICIPANTS and permissions.may_read_answers(
        actor, visible.relation, takes_part=takes_part(visible)
    )


def _may_answer(actor: Actor, visible: Visible) -> bool:
    return permissions.may_answer(actor, visible.relation) and permissions.may_change(
        visible.relation
    )


def _own(session: Session, visible: Visible, actor: Actor) -> tuple[QuestionFacts, ...]:
    if not actor.is_known:
        return ()
    found = queries.page_of(
        session,
        visible.challenge.id,
        states=tuple(QuestionState),
        words="",
        asked_by=actor.person_id,
        offset=0,
        size=PAGE_SIZE,
    )
    return tuple(_facts(row, actor, reads_names=False) for row, _ in found)


def _facts(row: Question, actor: Actor, *, reads_names: bool) -> QuestionFacts:
    is_own = row.asked_by == actor.person_id
    is_hidden = row.state is QuestionState.HIDDEN and not reads_names
    return QuestionFacts(
        id=row.id,
        title=row.title,
        text=row.words,
        state=row.state,
        asked_at=row.asked_at,
        asked_by=name_of(row.asker) if reads_names else "",
        asker_id=row.asked_by if reads_names else "",
        is_own=is_own,
        answer="" if is_hidden else row.answer,
        answered_at=None if is_hidden else row.answered_at,
        edited_at=row.edited_at,
        answered_by=row.author.names.public if row.author and not is_hidden else "",
        note=row.note if is_own or reads_names else "",
    )
