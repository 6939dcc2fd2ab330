"""Submitting: the checks and the count are one transaction."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.db.tables import Challenge, Evaluation, Person, Phase, Submission, Team
from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.challenges.life import ChallengeState
from portal.domain.errors import (
    NotAllowedError,
    NotFoundError,
    ParticipantError,
    QuotaExceededError,
)
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.submissions.quota import quota_left
from portal.services.submissions.submit import Upload, submit
from tests.support.worker.world import START, World

UPLOAD = Upload(sha256="ab" * 32, size=10)


def _submit(world: World, actor: Actor | None = None, **changes) -> str:
    values = {
        "challenge_slug": "digits",
        "phase_slug": "dev",
        "kind": SubmissionKind.CODE,
        "upload": UPLOAD,
        "filename": "x.zip",
        "note": "",
        "now": world.clock(),
    }
    with world.database.writing() as session:
        return submit(
            session, actor=actor or Actor(person_id=world.person, name="Ada"), **values | changes
        )


def _count(world: World, table) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_submission_makes_a_team_of_one_and_an_evaluation(world: World) -> None:
    submission = _submit(world)

    with world.database.reading() as session:
        row = session.get_one(Submission, submission)
        assert session.get_one(Team, row.team_id).name == "Ada"
    assert _count(world, Evaluation) == 1


def test_a_visitor_cannot_submit(world: World) -> None:
    with pytest.raises(NotAllowedError):
        _submit(world, VISITOR)


def test_a_challenge_that_is_not_published_does_not_exist(world: World) -> None:
    with world.database.writing() as session:
        session.scalars(select(Challenge)).one().state = ChallengeState.DRAFT

    with pytest.raises(NotFoundError):
        _submit(world)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"phase_slug": "no"}, "phase", id="no such phase"),
        pytest.param({"now": datetime(2030, 1, 1, tzinfo=START.tzinfo)}, "closed", id="too late"),
        pytest.param({"now": START - timedelta(days=99)}, "not_open", id="too early"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(world: World, changes, reason) -> None:
    with pytest.raises(ParticipantError) as refusal:
        _submit(world, **changes)

    assert refusal.value.reason == reason
    assert _count(world, Submission) == _count(world, Team) == 0


def test_the_quota_of_a_day_comes_back_at_midnight(world: World) -> None:
    for _ in range(3):
        _submit(world)
    with pytest.raises(QuotaExceededError):
        _submit(world)

    world.clock.advance(12 * 3600)

    _submit(world)


def test_what_was_the_sites_fault_does_not_count(world: World) -> None:
    first = _submit(world)
    with world.database.writing() as session:
        session.get_one(Submission, first).counts = False

    with world.database.reading() as session:
        phase = session.scalars(select(Phase)).one()
        left = quota_left(session, person_id=world.person, phase=phase, now=world.clock())
    assert (left.room.today, left.room.total) == (left.limits.per_day, left.limits.total)


def test_fifty_requests_at_once_get_no_more_places_than_there_are(world: World) -> None:
    start = threading.Barrier(10)

    def submit(number: int) -> bool:
        if number < 10:
            start.wait()
        try:
            _submit(world)
        except QuotaExceededError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        taken = sum(pool.map(submit, range(50)))

    assert taken == _count(world, Submission) == 3
    assert _count(world, Team) == 1


def test_people_of_one_name_who_begin_at_once_get_teams_of_different_names(world: World) -> None:
    with world.database.writing() as session:
        people = [Person(id=new_id(START), name="Kim", created_at=START) for _ in range(6)]
        session.add_all(people)
    start = threading.Barrier(len(people))

    def submit(person: Person) -> None:
        start.wait()
        _submit(world, Actor(person_id=person.id, name="Kim"))

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(submit, people))

    with world.database.reading() as session:
        names = set(session.scalars(select(Team.name)))
    assert names == {"Kim", *(f"Kim ({number})" for number in range(2, 7))}
