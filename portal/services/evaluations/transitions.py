"""Moving an evaluation on, with the step that its page shows."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Evaluation, Event, Image, Phase, Submission, Task
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.states import (
    EVALUATION_TRANSITIONS,
    EvaluationState,
    check_transition,
)
from portal.domain.ids import new_id
from portal.domain.submissions import disclosure
from portal.services.attention import troubles


def move(
    session: Session,
    evaluation: Evaluation,
    to: EvaluationState,
    *,
    now: datetime,
    message: str = "",
) -> None:
    """Take an allowed step and note it; being there already changes nothing."""
    if evaluation.state is to:
        return
    evaluation.state = check_transition(EVALUATION_TRANSITIONS, evaluation.state, to)
    evaluation.updated_at = now
    note_step(session, evaluation, now=now, message=message)


def note_step(
    session: Session, evaluation: Evaluation, *, now: datetime, message: str = ""
) -> None:
    """Add a line to the evaluation's history."""
    session.add(
        Event(
            id=new_id(now),
            evaluation_id=evaluation.id,
            at=now,
            state=evaluation.state,
            message=message,
        )
    )


def is_sealed(session: Session, evaluation: Evaluation) -> bool:
    """Whether the team may not see how an evaluation's run on private data went."""
    submission = session.get_one(Submission, evaluation.submission_id)
    return session.get_one(Phase, submission.phase_id).is_sealed and not submission.is_smoke


def began(session: Session, evaluation: Evaluation) -> datetime | None:
    """Return when an evaluation was first seen to run; None where it never was."""
    return session.scalar(
        select(func.min(Event.at)).where(
            Event.evaluation_id == evaluation.id, Event.state == EvaluationState.RUNNING
        )
    )


def told_from(session: Session, evaluation: Evaluation, ended: datetime) -> datetime:
    """Return when a team may be informed that an evaluation has ended: where results are held back, at the step."""
    submission = session.get_one(Submission, evaluation.submission_id)
    phase = session.get_one(Phase, submission.phase_id)
    first = began(session, evaluation)
    is_held = phase.is_sealed and phase.hold_results and not submission.is_smoke
    if not is_held or first is None:
        return ended
    return disclosure.round_up_to_step(first, ended, timedelta(seconds=phase.time_step))


def back_to_queue(session: Session, evaluation: Evaluation, *, message: str, now: datetime) -> None:
    """Let an evaluation that ran wait again for the cluster.

    Not where failures are sealed: a program that makes its node fail would be seen to do so. There it goes
    on running, for everybody; staff sees its attempts.
    """
    if evaluation.state is EvaluationState.RUNNING and not is_sealed(session, evaluation):
        move(session, evaluation, EvaluationState.QUEUED, now=now, message=message)


def fail(
    session: Session,
    evaluation: Evaluation,
    reason: FailureReason,
    *,
    now: datetime,
    message: str = "",
    detail: str = "",
) -> None:
    """End an evaluation without a score; what was the site's fault does not count."""
    submission = session.get_one(Submission, evaluation.submission_id)
    phase = session.get_one(Phase, submission.phase_id)
    evaluation.reason = reason
    evaluation.message = message
    evaluation.detail = detail
    move(session, evaluation, EvaluationState.FAILED, now=now, message=FAILURES[reason].title)
    _count(session, submission, phase, evaluation, reason)
    if evaluation.rerun_of is None and not FAILURES[reason].counts:
        troubles.ended(session, evaluation.id, reason, detail, now=now)


def hold(
    session: Session,
    evaluation: Evaluation,
    reason: FailureReason,
    *,
    now: datetime,
    detail: str = "",
) -> None:
    """Hand an evaluation to staff: it is neither a success nor a failure until they say so.

    Where it may have read private data its team is shown nothing that would tell this from a failure.
    """
    submission = session.get_one(Submission, evaluation.submission_id)
    phase = session.get_one(Phase, submission.phase_id)
    evaluation.reason = reason
    evaluation.detail = detail
    move(session, evaluation, EvaluationState.HELD, now=now, message=FAILURES[reason].title)
    _count(session, submission, phase, evaluation, reason)


def _count(
    session: Session,
    submission: Submission,
    phase: Phase,
    evaluation: Evaluation,
    reason: FailureReason,
) -> None:
    """Take a submission out of the count where the outcome of its evaluation does not count."""
    if evaluation.rerun_of is not None:
        return
    is_spared = phase.is_sealed and _is_spared(session, submission, evaluation)
    if is_spared or not disclosure.counts(reason, sealed=phase.is_sealed):
        submission.counts = False


def _is_spared(session: Session, submission: Submission, evaluation: Evaluation) -> bool:
    """Whether a failure in a sealed phase may be the scorer's, which has never given a score yet.

    Whatever failed is treated alike, and only so many times for each team: who makes a scorer fail gains nothing by it.
    """
    scorer = select(Image.scored_at).join(Task, Task.scorer_image_id == Image.id)
    if session.scalar(scorer.where(Task.id == evaluation.task_id)) is not None:
        return False
    spared = session.scalar(
        select(func.count(Submission.id.distinct()))
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .where(
            Submission.phase_id == submission.phase_id,
            Submission.team_id == submission.team_id,
            Submission.id != submission.id,
            Submission.counts.is_(False),
            Submission.is_smoke.is_(False),
            Evaluation.reason.in_(disclosure.AFTER_DATA),
        )
    )
    return (spared or 0) < disclosure.SPARED
