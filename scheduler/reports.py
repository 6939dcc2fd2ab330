"""Bring the reports of queue and accounting together."""

from collections.abc import Iterable, Mapping

from scheduler.interface import JobReport, Token


def by_token(reports: Iterable[JobReport]) -> Mapping[Token, tuple[JobReport, ...]]:
    """Return one report for each job, newest first, under its token.

    Of two reports on one job the first given counts, so give those of the queue first.
    """
    jobs: dict[Token, dict[str, JobReport]] = {}
    for report in reports:
        jobs.setdefault(report.token, {}).setdefault(report.ref.job_id, report)
    return {
        token: tuple(sorted(found.values(), key=_age, reverse=True))
        for token, found in jobs.items()
    }


def _age(report: JobReport) -> tuple[float, int]:
    submitted = report.submitted_at.timestamp() if report.submitted_at else 0.0
    return submitted, int(report.ref.job_id)
