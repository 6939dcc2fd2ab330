"""One round of asking the queue and accounting, in the order that lets nothing slip through."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from scheduler.errors import SchedulerError
from scheduler.interface import JobReport, Snapshot, Token
from scheduler.reports import by_token

HISTORY = timedelta(days=30)
"""How far back accounting is asked."""

Ask = Callable[[Collection[Token]], list[JobReport]]
"""Asks for the reports on some tokens; raises ``SchedulerError``."""


def take_snapshot(
    tokens: Collection[Token],
    *,
    taken_at: datetime,
    ask_queue: Ask,
    ask_accounting: Ask,
    ask_accounting_for_all: bool,
) -> Snapshot:
    """Return what both say of ``tokens``. Without ``ask_accounting_for_all``, the queue's word will do."""
    reports: list[JobReport] = []
    problem = ""
    try:
        if tokens:
            reports += ask_queue(tokens)
        seen = set() if ask_accounting_for_all else {report.token for report in reports}
        if rest := set(tokens) - seen:
            # Only after the queue has answered: a job that leaves it in between is then found
            # here, and accounting alone would not know of a job's second life.
            reports += ask_accounting(rest)
    except SchedulerError as failure:
        problem = f"{type(failure).__name__}: {failure}"
    return Snapshot(
        complete=not problem, taken_at=taken_at, jobs=by_token(reports), problem=problem
    )
