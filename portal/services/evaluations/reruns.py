"""Running an evaluation again to compare: the rerun counts nowhere, and changes no result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.evaluations import reruns as queries
from portal.db.tables import Evaluation
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import OperatorError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.reruns import Comparison, compare
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.evaluations import transitions


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunFacts:
    """A rerun, and what came of it."""

    id: str
    of: str
    state: EvaluationState
    reason: FailureReason | None
    detail: str
    asked_at: datetime
    comparison: Comparison | None
    """None while there is no result."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.state.is_final or self.state is EvaluationState.HELD


def ask(session: Session, *, actor: Actor, wanted: str, now: datetime) -> list[str]:
    """Let an evaluation, or all of a submission, run again; return the reruns.

    One that is under way already is not asked for twice, and a rerun is returned as it is. Raises
    ``OperatorError`` for an id that is none, and for what has no result to compare with, and
    ``NotAllowedError`` where the challenge is archived.
    """
    originals = queries.originals(session, wanted)
    if not originals:
        raise OperatorError(f"there is no evaluation and no submission {wanted}")
    return [_ask(session, actor, original, now=now).id for original in originals]


def _ask(session: Session, actor: Actor, original: Evaluation, *, now: datetime) -> Evaluation:
    if original.rerun_of is not None:
        return original
    if original.result is None:
        raise OperatorError(f"{original.id} has no result that another could be compared with")
    under_way = queries.under_way(session, original.id)
    if under_way is not None:
        return under_way
    challenge = queries.challenge_of(session, original)
    access.check_may_change(access.relation_of(session, challenge, actor))
    rerun = Evaluation(
        id=new_id(now),
        submission_id=original.submission_id,
        task_id=original.task_id,
        number=queries.last_number(session, original) + 1,
        rerun_of=original.id,
        image_id=original.image_id,
        state=EvaluationState.WAITING,
        created_at=now,
        updated_at=now,
    )
    session.add(rerun)
    session.flush()
    transitions.note_step(session, rerun, now=now)
    audit_log.note(
        session,
        actor=actor,
        action=Action.EVALUATION_RERUN,
        subject=Subject(kind="submission", id=original.submission_id),
        challenge_id=challenge.id,
        now=now,
        evaluation=original.id,
        rerun=rerun.id,
    )
    return rerun


def facts(session: Session, rerun_id: str, *, tolerance: float = 0.0) -> RerunFacts:
    """Return what came of a rerun. Raises ``OperatorError`` where there is none."""
    rerun = queries.find(session, rerun_id)
    if rerun is None:
        raise OperatorError(f"there is no rerun {rerun_id}")
    return _facts(session, rerun, tolerance)


def of_submission(session: Session, submission_id: str) -> tuple[RerunFacts, ...]:
    """List the reruns of a submission, oldest first."""
    rows: Sequence[Evaluation] = queries.of_submission(session, submission_id)
    return tuple(_facts(session, row, 0.0) for row in rows)


def _facts(session: Session, rerun: Evaluation, tolerance: float) -> RerunFacts:
    found = None
    if rerun.result is not None:
        before = queries.result_of(session, str(rerun.rerun_of))
        found = compare(
            before.scores,
            rerun.result.scores,
            (before.seal, rerun.result.seal),
            tolerance=tolerance,
        )
    return RerunFacts(
        id=rerun.id,
        of=str(rerun.rerun_of),
        state=rerun.state,
        reason=rerun.reason,
        detail=rerun.detail,
        asked_at=rerun.created_at,
        comparison=found,
    )
