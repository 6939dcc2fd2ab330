"""A result that somebody changes in the database, takes out or puts in shows in the audit log."""

import pytest
from sqlalchemy import text

from portal.services.audit import results as audit_results
from portal.services.audit.verify import verify
from portal.worker.audit_watch import LOOK_EVERY
from tests.support.worker.world import World

CHANGES = {
    "scores": "UPDATE results SET scores = '{\"accuracy\": 1.0}'",
    "record": "UPDATE results SET seal = '{}'",
    "digest": "UPDATE results SET seal_sha256 = 'x'",
    "signature": "UPDATE results SET envelope = 'x'",
    "gone": "DELETE FROM results",
}


def _problems(world: World) -> list[str]:
    with world.database.reading() as session:
        assert verify(session).problem is None
        return list(audit_results.problems(session))


@pytest.mark.parametrize("change", CHANGES)
def test_a_result_is_the_one_that_the_worker_stored(world: World, change: str) -> None:
    submission = world.submit()
    evaluation = world.run_until_final(submission)
    assert _problems(world) == []

    with world.database.engine.begin() as connection:
        connection.exec_driver_sql(CHANGES[change])

    [problem] = _problems(world)
    assert problem.startswith(f"the result of evaluation {evaluation.id} ")
    assert LOOK_EVERY.total_seconds() == 10


def test_a_result_that_the_worker_did_not_store_shows(world: World) -> None:
    first = world.run_until_final(world.submit())
    world.clock.advance(60)
    second = world.run_until_final(world.submit())
    # As if it had come without its entry: the first one is made a later one of another evaluation.
    with world.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM results WHERE evaluation_id = :id"), {"id": second.id})
        connection.execute(
            text("UPDATE results SET evaluation_id = :to, scores = '{}' WHERE evaluation_id = :id"),
            {"to": second.id, "id": first.id},
        )

    assert [problem.partition(" (")[0] for problem in _problems(world)] == [
        f"the result of evaluation {first.id} is gone",
        f"the result of evaluation {second.id} was changed",
    ]
