"""Answering the questions of a challenge, with a submission and after it; every change is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import revisions
from portal.db.tables import Challenge, Submission
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import ParticipantError
from portal.domain.submissions import questions
from portal.domain.submissions.questions import (
    Answer,
    AnswersError,
    Question,
    QuestionType,
    as_field,
    question_from_json,
)
from portal.services.audit import log as audit_log
from portal.services.challenges import access as challenge_access
from portal.services.submissions import access
from portal.services.submissions.access import VisibleSubmission

CLOSED = "None of these answers can be changed any longer."


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """An answer as people read it."""

    key: str
    title: str
    type: QuestionType
    text: str
    """Empty where there is none."""
    value: Answer | None
    on_board: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersPage:
    """Where a team changes the answers of one of its submissions."""

    submission_id: str
    challenge_slug: str
    challenge: str
    phase: str
    filename: str
    timezone: str
    open: tuple[tuple[Question, datetime], ...]
    """Those that can be changed, and until when."""
    closed: tuple[AnswerFacts, ...]
    """Those that stay as they are."""
    written: Mapping[str, str]
    """What the fields of a form hold to begin with, by their names."""


def questions_of(challenge: Challenge) -> tuple[Question, ...]:
    """Return what a challenge asks, in order."""
    return tuple(map(question_from_json, challenge.questions))


def facts(asked: Sequence[Question], answers: Mapping[str, Any]) -> tuple[AnswerFacts, ...]:
    """Return the answers to what is asked now; one that no longer fits its question is none."""
    found = []
    for question in asked:
        value = answers.get(question.key)
        if not _fits(question, value):
            value = None
        found.append(
            AnswerFacts(
                key=question.key,
                title=question.title,
                type=question.type,
                text=as_field(value),
                value=value,
                on_board=question.on_board,
            )
        )
    return tuple(found)


def on_boards(
    session: Session, asked: Sequence[Question], submission_ids: Sequence[str]
) -> dict[str, tuple[AnswerFacts, ...]]:
    """Return the answers of submissions that whoever sees their leaderboard sees. One query; none where nothing is asked."""
    shown = [question for question in asked if question.on_board]
    if not shown or not submission_ids:
        return {}
    rows = session.execute(
        select(Submission.id, Submission.answers).where(Submission.id.in_(submission_ids))
    )
    return {submission_id: facts(shown, answers) for submission_id, answers in rows}


def answers_page(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> AnswersPage:
    """Return the form with which the team changes its answers. Raises ``NotFoundError`` for everybody else."""
    found = _find_own(session, actor, submission_id)
    row = found.submission
    asked = questions_of(row.challenge)
    can_change = {question.key for question in _open(asked, found, now)}
    return AnswersPage(
        submission_id=row.id,
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        phase=row.phase.title,
        filename=row.filename,
        timezone=row.challenge.timezone,
        open=tuple(
            (question, question.closes(row.phase.ends_at))
            for question in asked
            if question.key in can_change
        ),
        closed=tuple(one for one in facts(asked, row.answers) if one.key not in can_change),
        written={f"{questions.FIELD}{one.key}": one.text for one in facts(asked, row.answers)},
    )


def may_change(actor: Actor, found: VisibleSubmission, now: datetime) -> bool:
    """Whether the actor can change an answer of a submission now."""
    return permissions.may_change_team(actor, found.team) and bool(
        _open(questions_of(found.submission.challenge), found, now)
    )


def change(
    session: Session,
    *,
    actor: Actor,
    submission_id: str,
    written: Mapping[str, str],
    now: datetime,
) -> tuple[AnswerFacts, ...]:
    """Put other answers in the place of those that can still be changed; what ``written`` leaves out stays.

    An empty one takes an answer back. Doing it again changes nothing. Raises ``NotFoundError`` for whoever is not in
    the team, and ``AnswersError``.
    """
    found = _find_own(session, actor, submission_id)
    challenge_access.check_may_change(found.relation)
    challenge = found.submission.challenge
    asked = questions_of(challenge)
    can_change = {question.key for question in _open(asked, found, now)}
    if not can_change:
        raise ParticipantError(CLOSED, reason="closed")
    _check_open(asked, written, can_change)
    row = session.get_one(Submission, submission_id, with_for_update=True, populate_existing=True)
    wanted = [question for question in asked if question.key in can_change]
    before = {one.key: one for one in facts(wanted, row.answers)}
    fields = {key: written.get(key, one.text) for key, one in before.items()}
    new = questions.read(wanted, fields, must_answer=not row.is_smoke)
    changed = sorted(key for key, one in before.items() if one.value != new.get(key))
    if changed:
        kept = {key: value for key, value in row.answers.items() if key not in can_change}
        row.answers = kept | new
        revisions.touch(session)
        audit_log.note(
            session,
            actor=actor,
            action=Action.ANSWERS_CHANGED,
            subject=Subject(kind="submission", id=row.id),
            challenge_id=row.challenge_id,
            now=now,
            questions=changed,
        )
    return facts(asked, row.answers)


def erase_words(session: Session, person_id: str) -> None:
    """Erase what a person has written in their own words; choices, ticks and numbers stay."""
    rows = session.execute(
        select(Submission, Challenge)
        .join(Challenge, Challenge.id == Submission.challenge_id)
        .where(Submission.person_id == person_id)
    )
    for row, challenge in rows:
        kinds = {one.key: one.type for one in questions_of(challenge)}
        row.answers = {
            key: value
            for key, value in row.answers.items()
            if not isinstance(value, str) or kinds.get(key) is QuestionType.CHOICE
        }
    revisions.touch(session)


def _find_own(session: Session, actor: Actor, submission_id: str) -> VisibleSubmission:
    return access.find(
        session,
        actor,
        submission_id,
        lambda one, _relation, team: permissions.may_change_team(one, team),
    )


def _open(asked: Sequence[Question], found: VisibleSubmission, now: datetime) -> list[Question]:
    if not permissions.may_change(found.relation):
        return []
    ends_at = found.submission.phase.ends_at
    return [question for question in asked if now < question.closes(ends_at)]


def _check_open(
    asked: Sequence[Question], written: Mapping[str, str], can_change: set[str]
) -> None:
    errors = {
        question.key: f"{question.title}: this can no longer be changed."
        for question in asked
        if question.key in written and question.key not in can_change
    }
    unknown = set(written) - {question.key for question in asked}
    errors |= {key: f"There is no question '{key[:40]}'." for key in sorted(unknown)}
    if errors:
        raise AnswersError(errors)


def _fits(question: Question, value: object) -> bool:
    match question.type:
        case QuestionType.CHECKBOX:
            return value is True
        case QuestionType.NUMBER:
            return isinstance(value, float | int) and not isinstance(value, bool)
        case QuestionType.CHOICE:
            return value in question.choices
        case _:
            return isinstance(value, str)
