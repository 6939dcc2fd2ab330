"""Questions of a challenge, one page at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Question
from portal.domain.challenges.questions import QuestionState


class Listed(NamedTuple):
    """A question, and how long the list is."""

    question: Question
    total: int


def waiting(session: Session, challenge_id: str) -> int:
    """Count the questions of a challenge that wait for an answer."""
    return _count(
        session, Question.challenge_id == challenge_id, Question.state == QuestionState.WAITING
    )


def asked_since(session: Session, challenge_id: str, person_id: str, since: datetime) -> int:
    """Count what a person has asked in a challenge since a moment."""
    return _count(session, *_own(challenge_id, person_id), Question.asked_at > since)


def waiting_of(session: Session, challenge_id: str, person_id: str) -> int:
    """Count the questions of a person that wait for an answer in a challenge."""
    return _count(session, *_own(challenge_id, person_id), Question.state == QuestionState.WAITING)


def last_of(session: Session, challenge_id: str, person_id: str) -> Question | None:
    """Return what a person asked last in a challenge."""
    return session.scalar(
        select(Question)
        .where(*_own(challenge_id, person_id))
        .order_by(Question.asked_at.desc(), Question.id.desc())
        .limit(1)
    )


def page_of(
    session: Session,
    challenge_id: str,
    *,
    states: Collection[QuestionState],
    words: str,
    asked_by: str | None = None,
    oldest_first: bool = False,
    offset: int,
    size: int,
) -> Sequence[Listed]:
    """List questions in some states that have ``words`` in them. One query."""
    conditions = [Question.challenge_id == challenge_id, Question.state.in_(states)]
    if asked_by is not None:
        conditions.append(Question.asked_by == asked_by)
    if words:
        columns = (Question.title, Question.words, Question.answer)
        conditions.append(or_(*(one.icontains(words, autoescape=True) for one in columns)))
    order = (
        (Question.asked_at, Question.id)
        if oldest_first
        else (Question.asked_at.desc(), Question.id.desc())
    )
    rows = session.execute(
        select(Question, func.count().over())
        .where(*conditions)
        .options(joinedload(Question.asker), joinedload(Question.author))
        .order_by(*order)
        .offset(offset)
        .limit(size)
    )
    return [Listed(*row) for row in rows]


def one(session: Session, challenge_id: str, question_id: str) -> Question | None:
    """Return a question of a challenge with its people."""
    return session.scalar(
        select(Question)
        .where(Question.challenge_id == challenge_id, Question.id == question_id)
        .options(joinedload(Question.asker), joinedload(Question.author))
    )


def _own(challenge_id: str, person_id: str) -> tuple[ColumnElement[bool], ...]:
    return Question.challenge_id == challenge_id, Question.asked_by == person_id


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Question).where(*conditions)) or 0
