"""What the cluster says again of many jobs costs two statements, and changes nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import Attempt
from portal.domain.evaluations.states import AttemptState
from portal.domain.ids import new_token
from portal.services.evaluations import attempts
from scheduler.interface import JobRef, Outcome, Phase
from tests.integration.queued_attempts import queue, report
from tests.support.factories import NOW
from tests.support.statements import counted

LATER = NOW + timedelta(seconds=3)


@pytest.mark.parametrize("number", [1, 100])
def test_the_same_words_again_take_two_statements(database: Database, number: int) -> None:
    reports = queue(database, number)

    with counted(database) as statements, database.writing() as session:
        others = attempts.confirm(session, reports, now=LATER)

    with database.reading() as session:
        rows = session.scalars(select(Attempt)).all()
    work = [one for one in statements if one.startswith(("SELECT", "UPDATE"))]
    assert (others, len(work)) == ([], 2)
    assert {(row.confirmed_at, row.absent_since, row.state) for row in rows} == {
        (LATER, None, AttemptState.QUEUED)
    }


@pytest.mark.parametrize(
    "change",
    [
        {"raw_reason": "Resources"},
        {"raw_state": "RUNNING", "phase": Phase.RUNNING},
        {"raw_state": "COMPLETED", "phase": Phase.ENDED, "outcome": Outcome.COMPLETED},
        {"expected_at": LATER},
        {"ref": JobRef(cluster="main", job_id="77")},
        {"nodes": "gpu01"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_is_left_to_be_taken_over(
    database: Database, change: dict[str, object]
) -> None:
    same, other = queue(database, 2)
    other = replace(other, **change)  # type: ignore[arg-type]

    with database.writing() as session:
        others = attempts.confirm(session, [same, other], now=LATER)

    with database.reading() as session:
        confirmed = {row.token: row.confirmed_at for row in session.scalars(select(Attempt))}
    assert others == [other]
    assert confirmed == {same.token: LATER, other.token: NOW}


def test_what_nobody_has_written_down_is_not_confirmed(database: Database) -> None:
    stranger = report(new_token(NOW), "1")

    with database.writing() as session:
        others = attempts.confirm(session, [stranger], now=LATER)

    assert others == [stranger]
