"""Teams that are named after somebody have the name that the public sees, on both databases."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import Person, Team
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.people import Actor, ShownAs
from portal.services.accounts import names, sign_in
from portal.services.teams import teams
from tests.support import factories
from tests.support.factories import NOW, Digits
from tests.support.same_moment import at_once

SUBJECT = "ada@nordholm.example"


@pytest.fixture
def digits(database: Database) -> Digits:
    with database.writing() as session:
        return factories.add_challenge(session)


def _join(database: Database, digits: Digits, name: str) -> Person:
    with database.writing() as session:
        person = factories.add_person(session, name)
        teams.join_alone(
            session, actor=Actor(person_id=person.id), challenge_id=digits.challenge.id, now=NOW
        )
    return person


def _call(
    session: Session, person: Person, display_name: str, shown_as: ShownAs = ShownAs.NAME
) -> None:
    names.change(
        session, actor=Actor(person_id=person.id), display_name=display_name,
        pseudonym=person.pseudonym, shown_as=shown_as, now=NOW,
    )  # fmt: skip


def _log_in(session: Session, name: str) -> None:
    identity = Identity(issuer="https://login.example.org", subject=SUBJECT, claims={"name": name})
    sign_in.sign_in(
        session, identity=identity, provider_id="campus", grants_staff=False,
        origin="192.0.2.1", now=NOW,
    )  # fmt: skip


def _team_names(database: Database, people: Sequence[Person]) -> list[str]:
    with database.reading() as session:
        found = session.scalars(select(Team))
        by_person = {team.named_after: team.name for team in found}
    return [by_person[person.id] for person in people]


def test_a_team_follows_a_name_that_the_institution_has_changed(
    database: Database, digits: Digits
) -> None:
    ada = _join(database, digits, "Ada Vlasák")
    with database.writing() as session:
        factories.add_account(session, ada, SUBJECT)
        _log_in(session, "Ada Okafor")

    assert _team_names(database, [ada]) == ["Ada Okafor"]


@pytest.mark.parametrize(
    ("display_name", "shown_as"), [("Ada V.", ShownAs.NAME), ("", ShownAs.PSEUDONYM)]
)
def test_a_name_that_is_not_shown_changes_no_team(
    database: Database, digits: Digits, display_name: str, shown_as: ShownAs
) -> None:
    ada = _join(database, digits, "Ada Vlasák")
    with database.writing() as session:
        factories.add_account(session, ada, SUBJECT)
        _call(session, ada, display_name, shown_as)

    with database.writing() as session:
        _log_in(session, "Ada Okafor")

    assert _team_names(database, [ada]) == [display_name or ada.pseudonym]


def test_of_two_with_one_name_the_second_keeps_its_number(
    database: Database, digits: Digits
) -> None:
    people = [_join(database, digits, "Ada Vlasák") for _ in range(2)]

    with database.writing() as session:
        teams.follow_name(session, session.get_one(Person, people[1].id))

    assert _team_names(database, people) == ["Ada Vlasák", "Ada Vlasák (2)"]


def test_two_who_take_one_name_at_the_same_moment_have_two_teams(
    database: Database, digits: Digits
) -> None:
    people = [_join(database, digits, name) for name in ("Ada", "Grace")]
    waiting = list(people)

    at_once(database, lambda session: _call(session, waiting.pop(0), "The Analyst"))

    assert _team_names(database, people) == ["The Analyst", "The Analyst (2)"]


def test_a_team_that_was_renamed_follows_nobody(database: Database, digits: Digits) -> None:
    ada = _join(database, digits, "Ada Vlasák")
    with database.writing() as session:
        team = session.scalars(select(Team)).one()
        team.name, team.named_after = "The Analysts", None

    with database.writing() as session:
        _call(session, ada, "Ada V.")

    with database.reading() as session:
        assert session.scalars(select(Team.name)).all() == ["The Analysts"]
