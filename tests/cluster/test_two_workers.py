"""Two real workers at once on one site: one works, the other takes over when it is killed."""

import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import Event
from portal.domain.evaluations.states import EvaluationState
from tests.support.cluster.spine import CLOSED, OpenSpine, Spine
from tests.support.databases import PostgresServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PATIENCE = timedelta(minutes=3)
FILES = ("predictions.csv", "knn.zip")


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def worked(request: pytest.FixtureRequest, open_site: OpenSpine) -> Spine:
    """Return a site on which two workers were at work and the one that led was killed on the way."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        spine = open_site(database={"url": server.new_database()})
    else:
        spine = open_site()
    person = spine.new_person()
    for name in FILES:
        spine.submit(name, person)
    workers = {worker.pid: worker for worker in (spine.start_worker(), spine.start_worker())}

    spine.wait(PATIENCE, _one_is_scored(spine))
    leader = workers.pop(_leader(spine))
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    spine.wait(PATIENCE, spine.is_settled)

    [heir] = workers.values()
    assert heir.poll() is None
    assert _leader(spine) == heir.pid
    return spine


def _one_is_scored(spine: Spine) -> Callable[[], bool]:
    return lambda: len(spine.results()) == 1


def _leader(spine: Spine) -> int:
    return int(spine.lease_holder().rpartition(":")[2])


def test_everything_is_scored_once(worked: Spine) -> None:
    evaluations, results, expected = worked.evaluations(), worked.results(), worked.expected()
    with worked.site.database.reading() as session:
        steps = session.scalars(select(Event).order_by(Event.id)).all()

    states = [one.state for one in evaluations.values()]

    assert states == [EvaluationState.SCORED] * 2
    assert [results[one].scores for one in sorted(results)] == [expected[name] for name in FILES]
    assert [step.state for step in steps].count(EvaluationState.SCORED) == 2


def test_each_job_ran_once(worked: Spine) -> None:
    attempts = worked.attempts()
    # The one that was killed may have written down one that it did not send any more.
    sent = [(attempt, job) for attempt, job in attempts if attempt.cluster_job_id is not None]

    on_cluster = sorted((job.name, job.job_id) for job in worked.accounting())

    assert on_cluster == [(attempt.token, attempt.cluster_job_id) for attempt, _ in sent]
    assert len({job.id for _, job in sent}) == len(sent) >= len(attempts) - 1
    assert {attempt.state in CLOSED for attempt, _ in attempts} == {True}


def test_no_pass_of_either_failed(worked: Spine) -> None:
    assert "pass_failed" not in worked.log()
