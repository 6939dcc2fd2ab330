"""Doing what was decided about one thing that needs a person."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries import attention as queries
from portal.db.tables import Attempt, Evaluation, Event, Image, Job, Submission, Trouble
from portal.domain.attention.decisions import Choice
from portal.domain.errors import OperatorError
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.services.evaluations import attempts, images, transitions
from portal.services.mail import queue as mail_queue

_WITH_A_PERSON = frozenset({EvaluationState.HELD, EvaluationState.FAILED})


def resolve(
    session: Session, *, wanted: str, choice: Choice, alike: bool = False, now: datetime
) -> int:
    """Do what was decided; return about how many things it was.

    ``alike``: the same is done with all that failed for the same reason in the same challenge. Raises
    ``OperatorError`` for what needs no attention.
    """
    image = session.get(Image, wanted, with_for_update=True)
    if image is not None and image.state is ImageState.FAILED and choice is Choice.RETRY:
        images.try_again(session, image, now=now)
        return 1
    subject = _subject(session, wanted)
    subjects = queries.alike(session, subject) if alike else [subject]
    for one in subjects or [subject]:
        _settle(session, one, choice, now=now)
    return len(subjects or [subject])


def _subject(session: Session, wanted: str) -> str:
    trouble = session.get(Trouble, wanted)
    if trouble is not None and trouble.next_at is None:
        return trouble.subject
    evaluation = session.get(Evaluation, wanted)
    if evaluation is not None and evaluation.state is EvaluationState.HELD:
        return evaluation.id
    raise OperatorError(f"{wanted} needs no attention: see 'sealrun attention list'")


def _settle(session: Session, subject: str, choice: Choice, *, now: datetime) -> None:
    attempt = session.get(Attempt, subject)
    job = session.get(Job, attempt.job_id) if attempt else None
    about = queries.evaluations_by_subject(session, [subject]).get(subject)
    evaluation = session.get_one(Evaluation, about.id, with_for_update=True) if about else None
    if evaluation is None or choice is not Choice.RETRY:
        _close(session, subject, job)
    if evaluation is None:
        if choice is Choice.RETRY:
            _image_again(session, job.image_id if job else None, now=now)
        if choice is Choice.RETRY and subject == mail_queue.GIVEN_UP:
            mail_queue.try_again(session, now=now)
    elif evaluation.state in _WITH_A_PERSON:
        if choice is Choice.RETRY:
            _go_on(session, evaluation, job, now=now)
        else:
            _give_up(session, evaluation, counts=choice is Choice.COUNT, now=now)
    for row in session.scalars(select(Trouble).where(Trouble.subject == subject)).all():
        session.delete(row)


def _give_up(session: Session, evaluation: Evaluation, *, counts: bool, now: datetime) -> None:
    reason = FailureReason(evaluation.reason or FailureReason.INFRASTRUCTURE)
    title = FAILURES[reason].title
    transitions.move(session, evaluation, EvaluationState.FAILED, now=now, message=title)
    _count(session, evaluation, counts=counts)


def _go_on(session: Session, evaluation: Evaluation, job: Job | None, *, now: datetime) -> None:
    """Put an evaluation back to where it was; a job whose last attempt was ingested gets another."""
    to = _before(session, evaluation)
    evaluation.reason, evaluation.message, evaluation.detail = None, "", ""
    transitions.move(session, evaluation, to, now=now, message="It is tried again.")
    _count(session, evaluation, counts=True)
    _image_again(session, evaluation.image_id, now=now)
    last = _last_attempt(session, evaluation, job)
    if last is None:
        return
    own = session.get_one(Job, last.job_id)
    own.is_open = True
    if last.state in {AttemptState.COLLECTED, AttemptState.LOST}:
        attempts.new_attempt(session, own, now=now)


def _count(session: Session, evaluation: Evaluation, *, counts: bool) -> None:
    """Say whether a submission counts; one on the sample never does, and running one again changes nothing."""
    submission = session.get_one(Submission, evaluation.submission_id)
    if evaluation.rerun_of is None and not submission.is_smoke:
        submission.counts = counts


def _before(session: Session, evaluation: Evaluation) -> EvaluationState:
    """Return the state that an evaluation had before it needed attention."""
    states: Sequence[EvaluationState] = session.scalars(
        select(Event.state).where(Event.evaluation_id == evaluation.id).order_by(Event.id)
    ).all()
    before = [state for state in states if state not in _WITH_A_PERSON]
    return before[-1] if before else EvaluationState.WAITING


def _image_again(session: Session, image_id: str | None, *, now: datetime) -> None:
    image = session.get(Image, image_id) if image_id else None
    if image is not None and image.state is ImageState.FAILED:
        images.try_again(session, image, now=now)


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
