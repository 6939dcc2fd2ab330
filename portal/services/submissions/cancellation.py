"""Cancelling: the wish is written down first, and the worker makes the cluster follow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries.evaluations import builds
from portal.db.queries.submissions import submission_pages as queries
from portal.db.tables import NOT_A_RERUN, Cancellation, Evaluation, Submission
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.cancellation import (
    MAX_FREE_CANCELLATIONS,
    Cost,
    Progress,
    check_shown,
    cost,
)
from portal.domain.submissions.limits import start_of_day
from portal.services.audit import log as audit_log
from portal.services.challenges.access import check_may_change
from portal.services.evaluations import transitions
from portal.services.submissions import access
from portal.services.submissions.disclosure import disclosed_state_of
from portal.services.teams import membership

_AT_ONCE = frozenset({EvaluationState.WAITING, EvaluationState.BUILDING, EvaluationState.HELD})
"""States in which the cluster has no job of the evaluation. An image whose build was opened is built to its
end, as others may submit the same, and what opened it counts; one that only waits to be is not built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPage:
    """What is shown before somebody decides."""

    submission_id: str
    challenge_slug: str
    challenge: str
    team: str
    filename: str
    cost: Cost
    has_used_the_cluster: bool
    free_at_most: int = MAX_FREE_CANCELLATIONS


def cancel_page(session: Session, *, actor: Actor, submission_id: str, now: datetime) -> CancelPage:
    """Return what cancelling would cost now. Raises ``NotFoundError`` and ``ParticipantError``."""
    submission = _find(session, actor, submission_id)
    used = _progress(session, _unfinished(submission, submission.evaluations))
    return CancelPage(
        submission_id=submission.id,
        challenge_slug=submission.challenge.slug,
        challenge=submission.challenge.title,
        team=submission.team.name,
        filename=submission.filename,
        cost=_cost(session, actor, submission, used, now=now),
        has_used_the_cluster=any(one.has_used_the_cluster for one in used),
    )


def cancel(
    session: Session, *, actor: Actor, submission_id: str, shown: str, now: datetime
) -> None:
    """Cancel what of a submission has not ended; ``shown`` is the cost that the person was shown.

    What the cluster does not have yet ends here; what it has is asked to stop by the worker, which
    goes on asking until it has ended. Asking twice changes nothing.
    """
    submission = _find(session, actor, submission_id)
    # One after the other, so that two at once cannot both be the last that is free.
    membership.lock_or_none(session, submission.team_id)
    evaluations = _unfinished(
        submission,
        session.scalars(
            select(Evaluation)
            .where(Evaluation.submission_id == submission.id, NOT_A_RERUN)
            .order_by(Evaluation.id)
            .execution_options(populate_existing=True)
            .with_for_update()
        ).all(),
    )
    real = _cost(session, actor, submission, _progress(session, evaluations), now=now)
    check_shown(shown, real)
    for evaluation in evaluations:
        _cancel(session, evaluation, actor, real, now=now)
    audit_log.note(
        session,
        actor=actor,
        action=Action.SUBMISSION_CANCELLED,
        subject=Subject(kind="submission", id=submission.id),
        challenge_id=submission.challenge_id,
        now=now,
        cost=str(real),
    )


def is_asked(session: Session, evaluation: Evaluation) -> bool:
    """Whether somebody wants the evaluation to end, so that no further job may be opened for it."""
    return session.get(Cancellation, evaluation.id) is not None


def finish_cancelled(session: Session, evaluation: Evaluation, *, now: datetime) -> None:
    """End an evaluation as cancelled, and take its submission out of the count if that is due.

    Where nobody asked here, the job was cancelled on the cluster: that never counts.
    """
    asked = session.get(Cancellation, evaluation.id)
    transitions.move(session, evaluation, EvaluationState.CANCELLED, now=now)
    if evaluation.rerun_of is None and (asked is None or not asked.counts):
        session.get_one(Submission, evaluation.submission_id).counts = False


def finish_when_disclosed(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """End an evaluation that nothing runs of, as somebody asked; return whether it has ended now.

    Where results are held back it ends a whole number of steps after it began, counted from the wish: whether
    its run had ended by itself before would else tell when it did.
    """
    asked = session.get(Cancellation, evaluation.id)
    if asked is None or now < transitions.told_from(session, evaluation, asked.asked_at):
        return False
    finish_cancelled(session, evaluation, now=now)
    return True


def _cancel(
    session: Session, evaluation: Evaluation, actor: Actor, real: Cost, *, now: datetime
) -> None:
    if not is_asked(session, evaluation):
        session.add(
            Cancellation(
                evaluation_id=evaluation.id,
                asked_by=actor.person_id,
                asked_at=now,
                counts=real is Cost.COUNTS,
            )
        )
        session.flush()
    if evaluation.state in _AT_ONCE:
        finish_cancelled(session, evaluation, now=now)


def _progress(session: Session, evaluations: Sequence[Evaluation]) -> list[Progress]:
    built = builds.had_one_made(session, [one.id for one in evaluations])
    return [Progress(state=one.state, had_build=one.id in built) for one in evaluations]


def _cost(
    session: Session,
    actor: Actor,
    submission: Submission,
    evaluations: Sequence[Progress],
    *,
    now: datetime,
) -> Cost:
    """Return what cancelling costs the team; what others cancel is not held against it.

    Runs on the sample are few a day, cancelled or not.
    """
    is_own = str(actor.person_id) in membership.members_of(session, submission.team_id)
    freed = (
        queries.taken_back_since(session, submission, start_of_day(now))
        if is_own and not submission.is_smoke
        else 0
    )
    return cost(evaluations, cancelled_today=freed)


def _find(session: Session, actor: Actor, submission_id: str) -> Submission:
    found = access.find(session, actor, submission_id, permissions.may_cancel)
    check_may_change(found.relation)
    return found.submission


def unfinished(submission: Submission, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """List the evaluations that have not ended, as far as the team of the submission is shown."""
    return [one for one in evaluations if not disclosed_state_of(submission, one).is_final]


def _unfinished(submission: Submission, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    left = unfinished(submission, evaluations)
    if not left:
        raise ParticipantError("It has ended already: there is nothing to cancel.", reason="ended")
    return left
