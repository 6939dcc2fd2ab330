"""Doing what staff and organisers have decided on pages."""

from portal.services.attention import decisions
from portal.services.attention.troubles import Step
from portal.worker.context import WorkerContext
from portal.worker.set_aside import each


def carry_out_decisions(context: WorkerContext) -> int:
    """Do what was decided; return how many decisions there were."""
    with context.database.reading() as session:
        waiting = decisions.waiting(session)

    def carry_out(decision_id: str) -> None:
        with context.database.writing() as session:
            decisions.carry_out(session, decision_id, now=context.clock())

    return sum(1 for _ in each(context, Step.DECIDE, waiting, carry_out))
