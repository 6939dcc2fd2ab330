"""News of many jobs is written in one transaction, and what goes wrong with one of them stops no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from portal.db.engine import Database
from portal.db.tables import Attempt, Trouble
from portal.domain.evaluations.states import AttemptState
from portal.domain.ids import new_token
from portal.services.attention.troubles import Step
from portal.worker.job_reports import apply_all_job_reports
from portal.worker.set_aside import AT_ONCE
from portal.worker.steps.watch import watch_live
from scheduler.interface import JobReport, Outcome, Phase, Token
from tests.integration.queued_attempts import queue, report
from tests.support.factories import NOW
from tests.support.worker.world import World

A = AttemptState
DAY = timedelta(days=1)


@contextmanager
def counted_commits(database: Database) -> Iterator[list[object]]:
    commits: list[object] = []

    def note(connection: object) -> None:
        commits.append(connection)

    event.listen(database.engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(database.engine, "commit", note)


def _running(reports: list[JobReport]) -> dict[Token, JobReport]:
    return {
        one.token: replace(one, raw_state="RUNNING", phase=Phase.RUNNING, started_at=NOW)
        for one in reports
    }


def _states(world: World) -> dict[str, AttemptState]:
    with world.database.reading() as session:
        return {row.token: row.state for row in session.scalars(select(Attempt))}


@pytest.mark.parametrize(
    ("number", "transactions"), [(1, 1), (12, 1), (AT_ONCE, 1), (AT_ONCE + 1, 2)]
)
def test_news_of_many_jobs_are_one_transaction(
    world: World, number: int, transactions: int
) -> None:
    news = _running(queue(world.database, number))

    with counted_commits(world.database) as commits:
        is_news = apply_all_job_reports(world.context, news)

    assert (is_news, len(commits)) == (True, transactions)
    assert set(_states(world).values()) == {A.RUNNING}


def test_what_goes_wrong_with_one_is_undone_alone_and_written_down_at_it(world: World) -> None:
    news = _running(queue(world.database, 5))
    first, broken, *_, last = news
    # Nothing takes a moment without a zone: that shows when the row is written, with all else of it.
    naive = datetime(2026, 12, 1)  # noqa: DTZ001
    news[broken] = replace(news[broken], started_at=naive)
    news[last] = replace(
        news[last], phase=Phase.ENDED, raw_state="COMPLETED", outcome=Outcome.COMPLETED
    )
    stranger = Token(new_token(NOW))
    news[stranger] = report(stranger, "77")

    assert apply_all_job_reports(world.context, news)

    with world.database.reading() as session:
        troubles = {row.subject: row for row in session.scalars(select(Trouble))}
        untouched = session.get_one(Attempt, broken)
    states = _states(world)
    assert (untouched.raw_state, untouched.started_at) == ("PENDING", None)
    assert [states[one] for one in news if one not in troubles] == [A.RUNNING] * 3 + [A.ENDED]
    assert states[first] is A.RUNNING
    assert {(row.step, row.tries, row.next_at) for row in troubles.values()} == {
        (Step.WATCH, 1, None)
    }
    assert set(troubles) == {broken, stranger}


def test_what_is_set_aside_is_left_alone_and_forgotten_once_it_works(world: World) -> None:
    news = _running(queue(world.database, 2))
    one, other = news
    naive = replace(news[one], started_at=datetime(2026, 12, 1))  # noqa: DTZ001
    apply_all_job_reports(world.context, {one: naive})

    assert apply_all_job_reports(world.context, news)
    assert _states(world) == {one: A.QUEUED, other: A.RUNNING}

    with world.database.writing() as session:
        session.scalars(select(Trouble)).one().next_at = world.clock() - DAY
    assert apply_all_job_reports(world.context, news)
    with world.database.reading() as session:
        assert session.scalars(select(Trouble)).all() == []
    assert _states(world) == {one: A.RUNNING, other: A.RUNNING}


@pytest.mark.parametrize("number", [1, 12])
def test_silence_about_many_jobs_is_written_down_at_once(world: World, number: int) -> None:
    tokens = {one.token for one in queue(world.database, number)}
    with world.database.writing() as session:
        session.execute(update(Attempt).values(absent_since=None))
    begun = world.clock()

    with counted_commits(world.database) as commits:
        watch_live(world.context)
    world.clock.advance(1)
    watch_live(world.context)

    with world.database.reading() as session:
        rows = session.scalars(select(Attempt)).all()
    assert len(commits) == 2
    assert {(row.token, row.absent_since, row.state) for row in rows} == {
        (token, begun, A.QUEUED) for token in tokens
    }

    world.clock.advance(world.context.cluster.absence.total_seconds())
    watch_live(world.context)
    assert {_states(world)[token] for token in tokens} == {A.LOST}
