"""Taking over what the cluster said of an attempt, and telling staff what only a person can settle."""

from collections.abc import Sequence

import structlog

from portal.services import attempts
from portal.worker.boundary import place_of
from portal.worker.context import WorkerContext
from portal.worker.notes import note_report
from scheduler.interface import JobReport, Phase

log = structlog.get_logger("sealrun.worker")


def take_over(context: WorkerContext, reports: Sequence[JobReport]) -> bool:
    """Write down what the cluster said of one attempt; ``reports`` are of all jobs that it has.

    Returns whether that was news.
    """
    report = attempts.decisive(reports)
    if report.phase is Phase.ENDED:
        # Before the row: what a seal says of the run is never read from there.
        _note(context, report)
    with context.database.writing() as session:
        is_news = attempts.reported(session, report, now=context.clock())
    if is_news:
        _tell_staff(report)
    return is_news


def _note(context: WorkerContext, report: JobReport) -> None:
    with context.database.reading() as session:
        place = place_of(session, report.token)
    directory = context.cluster.run_directory(place.job_id, report.token)
    note_report(directory, report)


def _tell_staff(report: JobReport) -> None:
    """Log once, when it is news: a pass comes every second, and a job may stay as it is for days."""
    facts = {
        "token": report.token,
        "job_id": report.ref.job_id,
        "state": report.raw_state,
        "reason": report.raw_reason,
    }
    if report.phase is Phase.UNKNOWN:
        log.error("unknown_state", **facts)
    elif report.phase is Phase.HELD:
        log.warning("held_on_the_cluster", **facts)
