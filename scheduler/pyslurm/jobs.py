"""Read the jobs that the process of pyslurm tells of. Raises ``UnexpectedAnswerError`` for what it cannot read."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from scheduler.errors import UnexpectedAnswerError
from scheduler.interface import JobRef, JobReport, Phase, Token
from scheduler.reports import EXITS, is_refusal, only_ends
from scheduler.slurm.states import interpret

Row = Mapping[str, Any]


def read_queue(rows: object) -> list[JobReport]:
    """Return the reports in a queue's answer, without traces of refused requests."""
    return [report for report in _reports(rows, _queued) if not is_refusal(report)]


def read_accounting(rows: object) -> list[JobReport]:
    """Return the reports in accounting's answer that have ended; see ``read_sacct``."""
    return only_ends(_reports(rows, _accounted))


def _reports(rows: object, read: Callable[[Row], JobReport]) -> list[JobReport]:
    try:
        return [read(row) for row in rows]  # type: ignore[attr-defined]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as odd:
        raise UnexpectedAnswerError(f"a job in pyslurm's answer: {odd!r}") from odd


def _queued(row: Row) -> JobReport:
    report = _report(row)
    # As in squeue: a waiting job has a forecast here, and a running one its time limit as end.
    if report.phase is Phase.PENDING:
        return replace(report, expected_at=report.started_at, started_at=None)
    has_started = report.nodes and report.phase is not Phase.HELD
    return report if has_started else replace(report, started_at=None)


def _accounted(row: Row) -> JobReport:
    report = _report(row)
    return report if report.nodes else replace(report, started_at=None)


def _report(row: Row) -> JobReport:
    state, reason = str(row["state"]), str(row["reason"] or "")
    exit_code, signal = int(row["exit_code"] or 0), int(row["signal"] or 0)
    phase, outcome = interpret(state, reason, exit_code)
    if type(row["id"]) is not int or row["id"] <= 0:
        raise ValueError(f"not a job id: {row['id']!r}")
    return JobReport(
        token=Token(str(row["name"])),
        ref=JobRef(cluster=row["cluster"] or None, job_id=str(row["id"])),
        phase=phase,
        outcome=outcome,
        raw_state=state,
        raw_reason="" if reason == "None" else reason,
        exit_code=exit_code if outcome in EXITS and not signal else None,
        signal=(signal or None) if outcome else None,
        submitted_at=_time(row["submitted"]),
        started_at=_time(row["started"]),
        ended_at=_time(row["ended"]) if outcome else None,
        nodes="" if row["nodes"] in {None, "None assigned"} else str(row["nodes"]),
    )


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
