"""Whatever changes what boards show begins a new revision, and nothing else does."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from portal.db import revisions
from portal.db.engine import Database
from portal.db.tables import Challenge, Column, Person, Phase, Standing, Submission, Team
from portal.services.leaderboards import standings
from tests.support import factories
from tests.support.factories import Digits


@pytest.fixture
def digits(database: Database) -> Digits:
    with database.writing() as session:
        digits = factories.add_challenge(session)
        ada = factories.add_person(session, "Ada")
        team = factories.add_team(session, digits, "Team Ada", ada)
        submission = factories.add_submission(session, digits, team, ada)
        standings.update(session, submission)
    return digits


def revision(database: Database) -> int:
    with database.reading() as session:
        return revisions.revision(session)


def _renamed(session: Session) -> None:
    session.scalars(select(Team)).one().name = "Another"


def _new_name(session: Session) -> None:
    session.scalars(select(Person)).one().pseudonym = "Countess"


def _column(session: Session) -> None:
    session.scalars(select(Column)).first().private = True  # type: ignore[union-attr]


def _phase(session: Session) -> None:
    session.execute(update(Phase).values(leaderboard="organisers"))


def _gone(session: Session) -> None:
    session.execute(delete(Standing))


def _person(session: Session) -> None:
    session.execute(insert(Person), [{"id": "1" * 20, "name": "Eve", "created_at": factories.NOW}])


def _rebuilt(session: Session) -> None:
    standings.rebuild(session, session.scalars(select(Challenge.id)).one())


@pytest.mark.parametrize("change", [_renamed, _new_name, _column, _phase, _gone, _person, _rebuilt])
def test_what_boards_show_begins_a_new_revision(
    database: Database, digits: Digits, change: Callable[[Session], None]
) -> None:
    del digits
    before = revision(database)

    with database.writing() as session:
        change(session)

    assert revision(database) == before + 1


def _note(session: Session) -> None:
    session.scalars(select(Submission)).one().note = "another"


def _look(session: Session) -> None:
    session.scalars(select(Team)).all()


@pytest.mark.parametrize("change", [_note, _look])
def test_nothing_else_does(
    database: Database, digits: Digits, change: Callable[[Session], None]
) -> None:
    del digits
    before = revision(database)

    with database.writing() as session:
        change(session)

    assert revision(database) == before


def test_what_was_taken_back_begins_none(database: Database, digits: Digits) -> None:
    del digits
    before = revision(database)

    def broken() -> None:
        with database.writing() as session:
            _renamed(session)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()

    assert revision(database) == before
