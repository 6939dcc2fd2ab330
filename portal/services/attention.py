"""What needs the attention of staff: what was set aside, why, and what they decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Evaluation, Event, Image, Job, Submission, Trouble
from portal.domain.audit import Action, Subject
from portal.domain.errors import OperatorError
from portal.domain.failures import FAILURES, FailureReason
from portal.domain.people import Actor
from portal.domain.states import AttemptState, EvaluationState, ImageState
from portal.services import attempts, audit, images, progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing that nobody tries again before staff have decided."""

    id: str
    """By which staff name it: of the trouble, or of an evaluation that is with staff without one."""
    since: datetime
    step: str
    subject: str
    submission_id: str | None
    problem: str


def listed(session: Session, *, at_most: int | None = None) -> list[Attention]:
    """List what needs attention, oldest first; of many the oldest ``at_most``. It takes three queries."""
    rows = session.scalars(
        select(Trouble)
        .where(Trouble.next_at.is_(None))
        .order_by(Trouble.first_at, Trouble.id)
        .limit(at_most)
    ).all()
    about = _by_subject(session, [row.subject for row in rows])
    known = {evaluation.id for evaluation in about.values()}
    held = session.scalars(
        select(Evaluation)
        .where(Evaluation.state == EvaluationState.HELD)
        .order_by(Evaluation.updated_at, Evaluation.id)
        .limit(at_most)
    )
    found = [_of_trouble(row, about.get(row.subject)) for row in rows]
    found += [_of_evaluation(one) for one in held.all() if one.id not in known]
    return sorted(found, key=lambda one: (one.since, one.id))[:at_most]


def retry(session: Session, *, actor: Actor, wanted: str, now: datetime) -> None:
    """Let something be tried again from where it was. Raises ``OperatorError`` for what needs no attention."""
    subject, job, evaluation = _find(session, wanted)
    if evaluation is None:
        _close(session, subject, job)
        _build_again(session, job, now=now)
    elif evaluation.state is EvaluationState.HELD:
        _go_on(session, evaluation, job, now=now)
    _decided(session, actor, Action.TROUBLE_RETRIED, subject, evaluation, now=now)


def give_up(session: Session, *, actor: Actor, wanted: str, counts: bool, now: datetime) -> None:
    """End something that was set aside; ``counts``: whether its submission does. Raises ``OperatorError``."""
    subject, job, evaluation = _find(session, wanted)
    _close(session, subject, job)
    if evaluation is not None and evaluation.state is EvaluationState.HELD:
        reason = FailureReason(evaluation.reason or FailureReason.INFRASTRUCTURE)
        title = FAILURES[reason].title
        progress.move(session, evaluation, EvaluationState.FAILED, now=now, sentence=title)
        if evaluation.rerun_of is None:
            session.get_one(Submission, evaluation.submission_id).counts = counts
    _decided(
        session, actor, Action.TROUBLE_GIVEN_UP, subject, evaluation, counts=str(counts), now=now
    )


def _of_trouble(row: Trouble, evaluation: Evaluation | None) -> Attention:
    return Attention(
        id=row.id,
        since=row.first_at,
        step=row.step,
        subject=row.subject,
        submission_id=evaluation.submission_id if evaluation else None,
        problem=row.problem,
    )


def _of_evaluation(row: Evaluation) -> Attention:
    return Attention(
        id=row.id,
        since=row.updated_at,
        step="",
        subject=row.id,
        submission_id=row.submission_id,
        problem=f"{row.reason}: {row.detail}",
    )


def _by_subject(session: Session, subjects: Sequence[str]) -> dict[str, Evaluation]:
    """Return the evaluations that rows of troubles are about, or that their attempts are for."""
    rows = session.execute(
        select(Evaluation, Attempt.token)
        .outerjoin(Job, Job.evaluation_id == Evaluation.id)
        .outerjoin(Attempt, Attempt.job_id == Job.id)
        .where(Evaluation.id.in_(subjects) | Attempt.token.in_(subjects))
    ).all()
    found = {evaluation.id: evaluation for evaluation, _ in rows}
    found |= {token: evaluation for evaluation, token in rows if token is not None}
    return {subject: found[subject] for subject in subjects if subject in found}


def _find(session: Session, wanted: str) -> tuple[str, Job | None, Evaluation | None]:
    """Return the subject that is meant, its job and its evaluation."""
    trouble = session.get(Trouble, wanted)
    evaluation = session.get(Evaluation, wanted)
    if trouble is not None and trouble.next_at is None:
        subject = trouble.subject
    elif evaluation is not None and evaluation.state is EvaluationState.HELD:
        subject = evaluation.id
    else:
        raise OperatorError(f"{wanted} needs no attention: see 'sealrun attention list'")
    attempt = session.get(Attempt, subject)
    job = session.get(Job, attempt.job_id) if attempt else None
    about = _by_subject(session, [subject]).get(subject)
    locked = session.get_one(Evaluation, about.id, with_for_update=True) if about else None
    return subject, job, locked


def _go_on(session: Session, evaluation: Evaluation, job: Job | None, *, now: datetime) -> None:
    """Put an evaluation back to where it was; a job whose last attempt was taken in gets another."""
    states = session.scalars(
        select(Event.state).where(Event.evaluation_id == evaluation.id).order_by(Event.id)
    ).all()
    before = [state for state in states if state is not EvaluationState.HELD]
    to = before[-1] if before else EvaluationState.WAITING
    evaluation.reason, evaluation.detail = None, ""
    progress.move(session, evaluation, to, now=now, sentence="It is tried again.")
    if evaluation.rerun_of is None:
        session.get_one(Submission, evaluation.submission_id).counts = True
    last = _last_attempt(session, evaluation, job)
    if last is None:
        return
    own = session.get_one(Job, last.job_id)
    own.is_open = True
    if last.state in {AttemptState.COLLECTED, AttemptState.LOST}:
        attempts.new_attempt(session, own, now=now)


def _last_attempt(session: Session, evaluation: Evaluation, job: Job | None) -> Attempt | None:
    of = Attempt.job_id == job.id if job else Job.evaluation_id == evaluation.id
    return session.scalar(
        select(Attempt).join(Job).where(of).order_by(Attempt.token.desc()).limit(1)
    )


def _close(session: Session, subject: str, job: Job | None) -> None:
    """Close an attempt of which the cluster has nothing; what it may have is still watched to its end."""
    attempt = session.get(Attempt, subject)
    if attempt is None or job is None:
        return
    if attempt.state is AttemptState.CREATED:
        attempts.step(attempt, AttemptState.ENDED)
    if attempt.state is AttemptState.ENDED:
        attempts.step(attempt, AttemptState.COLLECTED)
        job.is_open = False


def _build_again(session: Session, job: Job | None, *, now: datetime) -> None:
    image = session.get(Image, job.image_id) if job and job.image_id else None
    if image is not None and image.state is ImageState.FAILED:
        images.move_image(image, ImageState.WAITING, now=now)


def _decided(
    session: Session,
    actor: Actor,
    action: Action,
    subject: str,
    evaluation: Evaluation | None,
    *,
    now: datetime,
    **detail: str,
) -> None:
    """Forget the troubles of a subject, and let the audit log say who decided what."""
    rows = session.scalars(select(Trouble).where(Trouble.subject == subject)).all()
    problem = "; ".join(row.problem.partition("\n")[0] for row in rows)[:500]
    for row in rows:
        session.delete(row)
    submission = session.get(Submission, evaluation.submission_id) if evaluation else None
    audit.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="submission", id=submission.id)
        if submission
        else Subject(kind="work", id=subject),
        challenge_id=submission.challenge_id if submission else None,
        now=now,
        what=subject,
        problem=problem,
        **detail,
    )
