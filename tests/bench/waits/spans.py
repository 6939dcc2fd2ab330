"""When what happened to one submission: the portal's own times, the jobs' files, and Slurm's word."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Evaluation, Job, Result, Submission
from portal.domain.evaluations.jobs import JobKind
from scheduler.interface import Scheduler, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimes:
    """One job. Slurm's own times are whole seconds; those of files and rows are finer."""

    planned: datetime
    """The attempt was written down."""
    sending: datetime
    """The command was about to run."""
    accepted: datetime
    """The cluster had answered."""
    claimed: datetime
    """The script's first act, from the time of the directory that it made."""
    probed: datetime
    """The probe had reported, from the time of its file."""
    ran: datetime
    """The image had ended, from the time of the file with its exit code."""
    done: datetime
    """The script's last act."""
    slurm_submit: datetime
    slurm_start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One submission from the form to its score."""

    submitted: datetime
    predict: JobTimes | None
    """None for results, which are scored as they are."""
    score: JobTimes
    scored: datetime

    @property
    def first(self) -> JobTimes:
        """Return the job that starts first."""
        return self.predict or self.score


def way_of(session: Session, scheduler: Scheduler, runs: Path, submission_id: str) -> Way:
    """Gather the times of a submission that was scored at the first try."""
    submission = session.get_one(Submission, submission_id)
    evaluation_id, scored = session.execute(
        select(Evaluation.id, Result.created_at)
        .join(Result, Result.evaluation_id == Evaluation.id)
        .where(Evaluation.submission_id == submission_id)
    ).one()
    attempts = session.execute(
        select(Job.kind, Attempt)
        .join(Attempt, Attempt.job_id == Job.id)
        .where(Job.evaluation_id == evaluation_id, Attempt.number == 1)
    ).tuples()
    times = {kind: _job_times(attempt, scheduler, runs) for kind, attempt in attempts}
    return Way(
        submitted=submission.created_at,
        predict=times.get(JobKind.PREDICT),
        score=times[JobKind.SCORE],
        scored=scored,
    )


def _job_times(attempt: Attempt, scheduler: Scheduler, runs: Path) -> JobTimes:
    directory = runs / attempt.job_id / attempt.token
    (report, *_) = scheduler.find(Token(attempt.token)).jobs[Token(attempt.token)]
    return JobTimes(
        planned=attempt.created_at,
        sending=_known(attempt.submitted_at),
        accepted=_known(attempt.queued_at),
        claimed=_file_time(directory / "claim"),
        probed=_file_time(directory / "probe.json"),
        ran=_file_time(directory / "exit"),
        done=_file_time(directory / "done"),
        slurm_submit=_known(report.submitted_at),
        slurm_start=_known(report.started_at),
    )


def _known(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def _file_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
