"""A challenge, and people who join it, make teams and submit: for tests on both databases."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.tables import AuditEntry, Challenge, MergeRequest, Person, Team
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.teams.membership_rules import MergeState
from portal.services.submissions import quota, submit
from portal.services.submissions.submit import Upload
from portal.services.teams import invitations, mergers, teams
from tests.support import factories
from tests.support.factories import DAY, NOW, Digits

T = TypeVar("T")


class Scene:
    """A challenge, and people who act on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing() as session:
            self.digits: Digits = factories.add_challenge(session)
            self.people = {
                name: factories.add_person(session, name) for name in ("Ada", "Eve", "Grace", "Oda")
            }
            factories.add_organiser(session, self.digits, self.people["Oda"])

    def actor(self, name: str, **more: Any) -> Actor:
        return Actor(person_id=self.people[name].id, **more)

    def do(self, service: Callable[..., T], who: str, /, *, now: datetime = NOW, **more: Any) -> T:
        with self.database.writing() as session:
            return service(session, actor=self.actor(who), now=now, **more)

    def submit(self, name: str, content: str = "", now: datetime = NOW) -> str:
        with self.database.writing() as session:
            return self.submit_within(session, name, content, now=now)

    def submit_within(self, session: Session, name: str, content: str, *, now: datetime) -> str:
        """Submit within a transaction that the test has opened."""
        digest = factories.add_blob(session, content or f"of {name}")
        return submit.submit(
            session, actor=self.actor(name), challenge_slug="digits", phase_slug="dev",
            kind=SubmissionKind.RESULTS, upload=Upload(sha256=digest, size=1),
            filename="a.csv", note="", now=now,
        )  # fmt: skip

    def change(self, **values: Any) -> None:
        with self.database.writing() as session:
            challenge = session.get_one(Challenge, self.digits.challenge.id)
            for name, value in values.items():
                setattr(challenge, name, value)

    def team(self, name: str) -> Team | None:
        with self.database.reading() as session:
            return teams.team_of(
                session, challenge_id=self.digits.challenge.id, person_id=self.people[name].id
            )

    def invite(self, name: str, guest: str) -> None:
        secret = self.do(invitations.invite, name, slug="digits")
        self.do(invitations.accept, guest, secret=secret, accepts=True)

    def left(self, name: str) -> int:
        with self.database.reading() as session:
            found = quota.quota_left(
                session, person_id=self.people[name].id, phase=self.digits.dev, now=NOW
            )
        assert found.limits.total is not None
        assert found.room.total is not None
        return found.limits.total - found.room.total

    def actions(self) -> list[Action]:
        with self.database.reading() as session:
            return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))


def ask(scene: Scene, asker: str, other: str) -> str:
    """Ask the team of one for a merger with another, by its name; return the request's id."""
    scene.do(mergers.ask, asker, slug="digits", name=other)
    with scene.database.reading() as session:
        return session.scalars(
            select(MergeRequest.id).where(
                MergeRequest.state == MergeState.ASKED,
                MergeRequest.asked_by == scene.people[asker].id,
            )
        ).one()


def scored(scene: Scene, name: str, accuracy: float, at: datetime = NOW - DAY) -> str:
    """Add a scored submission with its standing, as the worker would have."""
    with scene.database.writing() as session:
        person = session.get_one(Person, scene.people[name].id)
        team = teams.join_alone(
            session, actor=scene.actor(name), challenge_id=scene.digits.challenge.id, now=at
        )
        row = factories.add_submission(
            session,
            scene.digits,
            team,
            person,
            accuracy=accuracy,
            at=at,
            filename=f"{accuracy}.zip",
        )
        factories.add_standing(session, scene.digits, team, row, accuracy)
    return row.id
