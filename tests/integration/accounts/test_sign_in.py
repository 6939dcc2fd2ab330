"""Accounts, their people and what a login says of them, on both databases."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import Account, LoginSession, Person, SpentLogoutToken
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.people import VISITOR, Actor, operator
from portal.domain.errors import NotAllowedError, ParticipantError
from portal.services.accounts import back_channel_logout, identity_linking, sign_in
from tests.support import factories
from tests.support.factories import NOW
from tests.support.same_moment import at_once

MFA = "https://refeds.org/profile/mfa"


@pytest.fixture
def ada(database: Database) -> Actor:
    with database.writing() as session:
        person = factories.add_person(session, "Ada Vlasák")
        account = factories.add_account(session, person, "ada")
        account.claims = {"affiliation": ["member@nordholm.example"], "acr": MFA}
    return Actor(person_id=person.id, account=(account.issuer, account.subject))


def test_claims_are_those_of_the_account_with_the_acr_of_this_login(
    database: Database, ada: Actor
) -> None:
    strong = dataclasses.replace(ada, acr=MFA)

    with database.reading() as session:
        assert sign_in.claims_of(session, ada) == {"affiliation": ["member@nordholm.example"]}
        assert sign_in.claims_of(session, strong)["acr"] == MFA


def test_nobody_has_claims_without_an_account_of_their_own(database: Database, ada: Actor) -> None:
    with database.writing() as session:
        eve = Actor(person_id=factories.add_person(session, "Eve").id, account=ada.account)
    token = dataclasses.replace(ada, account=None)

    with database.reading() as session:
        said = [sign_in.claims_of(session, who) for who in (VISITOR, operator("root"), eve, token)]

    assert said == [{}, {}, {}, {}]


def _identity(subject: str, **claims: object) -> Identity:
    return Identity(issuer="https://login.example.org", subject=subject, claims=claims)


def _sign_in(session: Session, subject: str = "ada") -> str:
    return sign_in.sign_in(
        session,
        identity=_identity(subject, name="Ada", unique_id="u@a.edu", nonce="x"),
        provider_id="campus",
        grants_staff=False,
        origin="192.0.2.1",
        now=NOW,
    )


def _link(session: Session, person_id: str, subject: str) -> None:
    identity_linking.link(
        session,
        actor=Actor(person_id=person_id),
        identity=_identity(subject),
        provider_id="campus",
        grants_staff=True,
        now=NOW,
    )


def _count(database: Database, table: type) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_the_first_login_makes_a_person_and_the_next_finds_them(database: Database) -> None:
    with database.writing() as session:
        first = _sign_in(session)
    with database.writing() as session:
        second = _sign_in(session)

    assert first == second
    with database.reading() as session:
        account = session.scalars(select(Account)).one()
        assert (account.claims, account.unique_id) == (
            {"name": "Ada", "unique_id": "u@a.edu"},
            "u@a.edu",
        )


def test_two_first_logins_at_the_same_moment_are_of_one_person(database: Database) -> None:
    one, other = at_once(database, _sign_in)

    assert one == other
    assert (_count(database, Person), _count(database, Account)) == (1, 1)


def test_a_person_who_did_nothing_is_absorbed_with_all_their_logins(database: Database) -> None:
    with database.writing() as session:
        ada, idle = _sign_in(session, "ada"), _sign_in(session, "idle")
    with database.writing() as session:
        _link(session, idle, "idle-too")

    with database.writing() as session:
        _link(session, ada, "idle")

    assert _count(database, Person) == 1
    with database.reading() as session:
        accounts = session.scalars(select(Account).order_by(Account.subject)).all()
        assert [(one.subject, one.person_id) for one in accounts] == [
            ("ada", ada), ("idle", ada), ("idle-too", ada),
        ]  # fmt: skip


def test_a_person_who_did_something_is_not(database: Database) -> None:
    with database.writing() as session:
        ada, busy = _sign_in(session, "ada"), _sign_in(session, "busy")
        digits = factories.add_challenge(session)
        factories.add_team(session, digits, "Busy", session.get_one(Person, busy))

    with pytest.raises(NotAllowedError) as refused, database.writing() as session:
        _link(session, ada, "busy")

    assert refused.value.reason == "login_of_somebody_else"
    assert _count(database, Person) == 2


def test_of_two_logins_taken_away_at_once_one_stays(database: Database) -> None:
    with database.writing() as session:
        ada = _sign_in(session)
        _link(session, ada, "second")
    subjects = ["ada", "second"]

    def remove(session: Session) -> str:
        subject = subjects.pop()
        try:
            identity_linking.unlink(
                session,
                actor=Actor(person_id=ada),
                issuer="https://login.example.org",
                subject=subject,
                now=NOW,
            )
        except ParticipantError as refusal:
            return refusal.reason
        return "removed"

    assert at_once(database, remove) == ["removed", "last_login"]
    assert _count(database, Account) == 1


def test_an_order_to_log_out_works_once_also_at_the_same_moment(database: Database) -> None:
    with database.writing() as session:
        ada = _sign_in(session)
        for number in range(2):
            session.add(_session(ada, number))

    def obey(session: Session) -> object:
        try:
            return back_channel_logout.obey(
                session,
                issuer="https://login.example.org",
                subject=None,
                sid="s-1",
                jti="once",
                expires_at=NOW + timedelta(minutes=5),
                origin="192.0.2.1",
                now=NOW,
            )
        except ParticipantError as refusal:
            return refusal.reason

    assert at_once(database, obey) == [1, "logout_again"]
    assert (_count(database, LoginSession), _count(database, SpentLogoutToken)) == (1, 1)


def _session(person_id: str, number: int) -> LoginSession:
    return LoginSession(
        secret_sha256=str(number) * 64,
        id=str(number),
        person_id=person_id,
        issuer="https://login.example.org",
        subject="ada",
        provider_session=f"s-{number}",
        data={},
        created_at=NOW,
        seen_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
