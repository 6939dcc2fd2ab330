"""Attempts that are queued, and what a cluster says of them."""

from portal.db.engine import Database
from portal.db.tables import Attempt, Job
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import AttemptState
from portal.domain.ids import new_id, new_token
from scheduler.interface import JobRef, JobReport, Phase, Token
from tests.support.factories import NOW


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
