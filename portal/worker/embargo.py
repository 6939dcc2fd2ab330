"""Holding back: in a phase that asks for it, a run ends for everybody after a whole number of steps.

Whoever keeps looking at a page would otherwise see to the second when a run on private data ended.
"""

from datetime import datetime, timedelta

from portal.db.tables import Attempt
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.verdicts import Verdict, VerdictKind
from portal.domain.evaluations.work import RunWork
from portal.domain.submissions.disclosure import round_up_to_step
from portal.worker.context import WorkerContext

_ENDS = frozenset({VerdictKind.SUCCESS, VerdictKind.FAILED, VerdictKind.CANCELLED})
"""A run that was cancelled too: whether it had ended by itself before would tell when it did."""


def is_embargoed(context: WorkerContext, work: RunWork, attempt: Attempt, verdict: Verdict) -> bool:
    """Whether it is too early to let anybody see that this attempt has ended."""
    if work.submission.is_smoke or work.evaluation.rerun_of is not None:
        return False
    if not (work.phase.is_sealed and work.phase.hold_results) or verdict.kind not in _ENDS:
        return False
    if work.job.kind is JobKind.PREDICT and verdict.kind is VerdictKind.SUCCESS:
        # Nobody is informed that scoring has begun, so it may begin at once.
        return False
    began, now = _began(context, work, attempt), context.clock()
    step = timedelta(seconds=work.phase.time_step)
    return now < round_up_to_step(began, attempt.ended_at or now, step)


def _began(context: WorkerContext, work: RunWork, attempt: Attempt) -> datetime:
    """Return when the evaluation's first run on private data began."""
    first = attempt
    if work.predict is not None:
        with context.database.reading() as session:
            first = session.get_one(Attempt, work.predict.token)
    return first.started_at or attempt.ended_at or context.clock()
