"""Two processes that write the same thing at the same moment: one row, and no error for either."""

import threading
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import ApiToken, Blob, Image, Organiser
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import MAX_LIVE, Scope
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.jobs import ImageKind
from portal.services.accounts import deletion, tokens
from portal.services.evaluations import images, leases
from tests.support import factories
from tests.support.same_moment import at_once

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SHA256 = "a" * 64
T = TypeVar("T")


def _keep(session: Session) -> str:
    images.keep_blob(session, sha256=SHA256, size=3, now=NOW)
    return SHA256


def _image(session: Session) -> str:
    return images.image_of(
        session, kind=ImageKind.CODE, source_sha256=SHA256, cluster="main", now=NOW
    ).id


def _lease(session: Session) -> bool:
    lasts = timedelta(seconds=20)
    holder = threading.current_thread().name
    return leases.take_lease(session, name="main", holder=holder, lasts=lasts, now=NOW)


def test_the_same_bytes_are_noted_once(database: Database) -> None:
    assert at_once(database, _keep) == [SHA256, SHA256]

    with database.reading() as session:
        assert list(session.scalars(select(Blob.sha256))) == [SHA256]


def test_the_same_recipe_is_one_image(database: Database) -> None:
    with database.writing() as session:
        _keep(session)

    one, other = at_once(database, _image)

    with database.reading() as session:
        assert list(session.scalars(select(Image.id))) == [one]
    assert other == one


def test_one_of_two_new_workers_gets_the_lease(database: Database) -> None:
    assert at_once(database, _lease) == [True, False]


def test_one_of_two_owners_who_leave_stays(database: Database) -> None:
    with database.writing() as session:
        digits = factories.add_challenge(session)
        owners = [factories.add_person(session, name) for name in ("Ada", "Grace")]
        for owner in owners:
            factories.add_organiser(session, digits, owner)
    leaving = list(owners)

    def leave(session: Session) -> str:
        person = leaving.pop()
        try:
            deletion.delete_me(
                session, actor=Actor(person_id=person.id), typed=person.name, now=NOW
            )
        except ParticipantError as error:
            return error.message
        return "gone"

    answers = at_once(database, leave)

    assert answers == [
        "gone",
        "You are the only owner of Read the digits. Make somebody else an owner first.",
    ]
    with database.reading() as session:
        assert session.scalars(select(Organiser.person_id)).all() == [owners[0].id]


def test_the_last_of_many_tokens_is_made_once(database: Database) -> None:
    with database.writing() as session:
        actor = Actor(person_id=factories.add_person(session, "Ada").id)

    def make(session: Session) -> str:
        return tokens.make(
            session, actor=actor, name="one more", scopes=[Scope.READ], lasts=timedelta(days=1),
            now=NOW,
        )  # fmt: skip

    def try_to_make(session: Session) -> str:
        try:
            return make(session)[:8]
        except ParticipantError as error:
            return error.message

    with database.writing() as session:
        for _ in range(MAX_LIVE - 1):
            make(session)

    answers = at_once(database, try_to_make)

    assert answers == [
        "sealrun_",
        "You have 50 tokens that work. Revoke one that you no longer need first.",
    ]
    with database.reading() as session:
        assert len(session.scalars(select(ApiToken.id)).all()) == MAX_LIVE
