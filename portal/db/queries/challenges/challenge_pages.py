"""Challenges as their pages need them: each page's answer in as few queries as it has lists."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, false, func, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from portal.db.tables import (
    Announcement,
    Board,
    Challenge,
    Download,
    Membership,
    Organiser,
    Page,
    Participation,
    Phase,
    PhaseTask,
    Question,
    Task,
    Team,
)
from portal.domain.challenges.life import PUBLIC
from portal.domain.challenges.questions import QuestionState
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import ParticipationState


class Found(NamedTuple):
    """A challenge, and how the person who asks stands to it."""

    challenge: Challenge
    role: Role | None
    team_id: str | None
    participation: ParticipationState | None
    terms_sha256: str | None
    """The terms that the person has accepted."""
    has_news: bool
    """Whether something was announced that is still shown."""
    has_files: bool
    """Whether there is something to download."""
    questions_waiting: int
    """How many questions wait for an answer."""


def find(session: Session, slug: str, person_id: str | None, *options: ORMOption) -> Found | None:
    """Find a challenge by its slug: one query, and one more for each list loaded apart."""
    statement = (
        select(
            Challenge,
            role_of(person_id),
            team_of(person_id),
            _participation(Participation.state, person_id),
            _participation(Participation.terms_sha256, person_id),
            _has_news(),
            exists().where(Download.challenge_id == Challenge.id),
            _questions_waiting(),
        )
        .where(Challenge.slug == slug)
        .options(*options)
    )
    row = session.execute(statement).unique().one_or_none()
    return None if row is None else Found(*row)


def organises(person_id: str | None) -> ColumnElement[bool]:
    """Whether a person works for the challenge of the row, as whatever."""
    if person_id is None:
        return false()
    return exists().where(Organiser.challenge_id == Challenge.id, Organiser.person_id == person_id)


def _has_news() -> ColumnElement[bool]:
    return exists().where(
        Announcement.challenge_id == Challenge.id, Announcement.withdrawn_at.is_(None)
    )


def _questions_waiting() -> ColumnElement[Any]:
    return (
        select(func.count())
        .where(Question.challenge_id == Challenge.id, Question.state == QuestionState.WAITING)
        .correlate(Challenge)
        .scalar_subquery()
    )


def role_of(person_id: str | None) -> ColumnElement[Any]:
    """Return what a person does for the challenge of the row."""
    if person_id is None:
        return null()
    return (
        select(Organiser.role)
        .where(Organiser.challenge_id == Challenge.id, Organiser.person_id == person_id)
        .scalar_subquery()
    )


def _participation(column: InstrumentedAttribute[Any], person_id: str | None) -> ColumnElement[Any]:
    """Return what is written of how a person takes part in the challenge of the row."""
    if person_id is None:
        return null()
    return (
        select(column)
        .where(Participation.challenge_id == Challenge.id, Participation.person_id == person_id)
        .scalar_subquery()
    )


def team_of(person_id: str | None) -> ColumnElement[Any]:
    """Return the person's team in the challenge of the row."""
    if person_id is None:
        return null()
    return (
        select(Membership.team_id)
        .where(Membership.challenge_id == Challenge.id, Membership.person_id == person_id)
        .scalar_subquery()
    )


def titles_and_phases() -> tuple[ORMOption, ...]:
    """Load what the frame of every page of a challenge shows."""
    return (
        joinedload(Challenge.phases),
        selectinload(Challenge.pages).load_only(
            Page.slug, Page.title, Page.readers, Page.challenge_id
        ),
    )


def columns() -> ORMOption:
    """Load the columns with the challenge: phases and columns are few, and so is their product."""
    return joinedload(Challenge.columns)


def titles_phases_and_boards() -> tuple[ORMOption, ...]:
    """Load the same with the boards and the columns, which are few: in as many queries as without."""
    return (
        joinedload(Challenge.phases),
        joinedload(Challenge.pages).load_only(
            Page.slug, Page.title, Page.readers, Page.challenge_id
        ),
        selectinload(Challenge.boards).joinedload(Board.columns),
    )


def open_to(session: Session, person_id: str | None, *, every: bool) -> Sequence[Challenge]:
    """List the challenges that a person may see, with their phases; the newest first."""
    statement = (
        select(Challenge)
        .options(selectinload(Challenge.phases))
        .order_by(Challenge.created_at.desc(), Challenge.id)
    )
    if not every:
        statement = statement.where(or_(Challenge.state.in_(PUBLIC), organises(person_id)))
    return session.scalars(statement).all()


def team_counts(session: Session) -> dict[str, int]:
    """Count the teams of every challenge."""
    rows = session.execute(
        select(Team.challenge_id, func.count()).where(~Team.is_dry_run).group_by(Team.challenge_id)
    )
    return {row[0]: row[1] for row in rows}


def page_text(session: Session, challenge_id: str, slug: str | None) -> Page | None:
    """Find a page of a challenge with its text; without a slug, the first one."""
    statement = select(Page).where(Page.challenge_id == challenge_id)
    if slug is not None:
        statement = statement.where(Page.slug == slug)
    # The frame may have loaded the page without its text.
    return session.scalars(
        statement.order_by(Page.position).limit(1).execution_options(populate_existing=True)
    ).one_or_none()


def tasks_by_phase(session: Session, challenge_id: str) -> Sequence[tuple[str, Task]]:
    """List which tasks each phase evaluates, in the order of the challenge."""
    rows = session.execute(
        select(PhaseTask.phase_id, Task)
        .join(Task, Task.id == PhaseTask.task_id)
        .join(Phase, Phase.id == PhaseTask.phase_id)
        .where(Task.challenge_id == challenge_id)
        .order_by(Phase.position, Task.position)
    )
    return [(phase_id, task) for phase_id, task in rows]
