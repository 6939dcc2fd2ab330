"""Bring the reports of queue and accounting together."""

from collections.abc import Iterable, Mapping

from scheduler.interface import JobReport, Outcome, Phase, Token

EXITS = frozenset({Outcome.COMPLETED, Outcome.FAILED})
"""Outcomes for which Slurm's exit code is that of the script."""


def is_refusal(report: JobReport) -> bool:
    """Tell what a refused request leaves behind from a job that failed.

    Slurm uses up a job id for some refusals ("Requested node configuration is not available") and
    shows FAILED under the token's name, in the queue for MinJobAge and in accounting for ever. Such
    a record never got a node and so has no start; a job that ran and failed has both.
    """
    return report.outcome is Outcome.FAILED and report.started_at is None


# Accounting is believed only about ends. It is asked after the queue has answered without the job; a
# record that still lives then is behind, or was left by a controller that lost its state ("runaway").
_ALIVE = frozenset({Phase.PENDING, Phase.HELD, Phase.RUNNING, Phase.FINISHING})


def only_ends(reports: Iterable[JobReport]) -> list[JobReport]:
    """Return of accounting's reports those that count.

    Traces of refused requests are left out, and jobs that are said to live. A job that was requeued
    has several records under one id, of which the newest counts.
    """
    newest: dict[tuple[str, str | None, str], JobReport] = {}
    for report in reports:
        if is_refusal(report):
            continue
        key = (report.token, report.ref.cluster, report.ref.job_id)
        if key not in newest or _submitted(report) >= _submitted(newest[key]):
            newest[key] = report
    return [report for report in newest.values() if report.phase not in _ALIVE]


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
    return _submitted(report), int(report.ref.job_id)


def _submitted(report: JobReport) -> float:
    return report.submitted_at.timestamp() if report.submitted_at else 0.0
