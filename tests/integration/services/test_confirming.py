"""What the cluster says again of many jobs costs two statements, and changes nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import Attempt, Job
from portal.domain.ids import new_id, new_token
from portal.domain.jobs import JobKind
from portal.domain.states import AttemptState
from portal.services import attempts
from scheduler.interface import JobRef, JobReport, Outcome, Phase, Token
from tests.support.factories import NOW
from tests.support.statements import counted

LATER = NOW + timedelta(seconds=3)


def queue(database: Database, number: int) -> list[JobReport]:
    """Write down that many queued attempts; return what the cluster has said of them."""
    reports = []
    with database.writing() as session:
        for place in range(number):
            job = Job(
                id=new_id(NOW), kind=JobKind.BUILD, cluster="main", profile="build", created_at=NOW
            )
            session.add(job)
            token = new_token(NOW)
            session.flush()
            session.add(
                Attempt(
                    token=token, job_id=job.id, number=1, state=AttemptState.QUEUED,
                    cluster_job_id=str(place), created_at=NOW, confirmed_at=NOW,
                    absent_since=NOW, raw_state="PENDING", raw_reason="Priority", nodes="",
                )
            )  # fmt: skip
            reports.append(report(token, str(place)))
    return reports


def report(token: str, job_id: str) -> JobReport:
    return JobReport(
        token=Token(token),
        ref=JobRef(cluster="main", job_id=job_id),
        phase=Phase.PENDING,
        outcome=None,
        raw_state="PENDING",
        raw_reason="Priority",
        exit_code=None,
        signal=None,
        submitted_at=NOW,
        expected_at=None,
        started_at=None,
        ended_at=None,
        nodes="",
    )


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
