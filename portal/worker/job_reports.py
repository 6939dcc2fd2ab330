"""Taking over what the cluster said of an attempt, and telling staff what only a person can settle."""

from collections.abc import Mapping, Sequence

import structlog

from portal.services.attention.troubles import Step
from portal.services.evaluations import attempts
from portal.worker.boundary import place_of
from portal.worker.context import WorkerContext
from portal.worker.prepare.run_notes import note_report
from portal.worker.set_aside import all_at_once
from scheduler.interface import JobReport, Phase, Token

log = structlog.get_logger("sealrun.worker")


def apply_job_reports(context: WorkerContext, reports: Sequence[JobReport]) -> None:
    """Write down what the cluster said of one attempt; ``reports`` are of all jobs that it has."""
    report = attempts.decisive(reports)
    _note_end(context, report)
    with context.database.writing() as session:
        is_news = attempts.reported(session, report, now=context.clock())
    if is_news:
        _tell_staff(report)


def apply_all_job_reports(context: WorkerContext, reports: Mapping[Token, JobReport]) -> bool:
    """Write down what the cluster said of many attempts; what goes wrong with one is written down at it.

    Returns whether anything of that was news.
    """
    news = False
    for token, is_news in all_at_once(
        context,
        Step.WATCH,
        list(reports),
        lambda session, token: (
            token,
            attempts.reported(session, reports[token], is_locked=True, now=context.clock()),
        ),
        before=lambda token: _note_end(context, reports[token]),
        lock=attempts.lock_all,
    ):
        if is_news:
            news = True
            _tell_staff(reports[token])
    return news


def _note_end(context: WorkerContext, report: JobReport) -> None:
    """Note the end of a job in its run directory, before its row: a seal never reads from there what it says of a run."""
    if report.phase is not Phase.ENDED:
        return
    with context.database.reading() as session:
        place = place_of(session, report.token)
    note_report(context.cluster.run_directory(place.job_id, report.token), report)


def _tell_staff(report: JobReport) -> None:
    """Log once, when it is news: a pass comes every second, and a job may stay as it is for days."""
    facts = {
        "token": report.token,
        "job_id": report.ref.job_id,
        "state": report.raw_state,
        "reason": report.raw_reason,
    }
    if report.phase is Phase.UNKNOWN:
        log.error("unknown_slurm_state", **facts)
    elif report.phase is Phase.HELD:
        log.warning("job_held_on_cluster", **facts)
