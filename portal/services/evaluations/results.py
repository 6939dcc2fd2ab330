"""Ingest what a job left: the image, the predictions, the scores, or the failure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.db.tables import Attempt, Evaluation, Image, Job, Result, Submission, Task
from portal.domain.accounts.people import PORTAL
from portal.domain.audit import Action, Subject
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.jobs import JobKind, may_try_again
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.domain.evaluations.verdicts import reason_without_tries
from portal.domain.submissions import disclosure
from portal.services.audit import log as audit_log
from portal.services.evaluations import attempts, images, snapshots, transitions
from portal.services.evaluations.snapshots import Measurement
from portal.services.leaderboards import standings
from portal.services.submissions import cancellation


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """A SIF that lies in its final place."""

    sha256: str
    size: int
    lock: str = ""
    """What was installed from ``requirements.txt``; empty where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A seal record as it was signed: in full, and what the team may show of it."""

    envelope: str
    team_envelope: str


def image_ready(
    session: Session, token: str, built: BuiltImage, record: dict[str, Any], *, now: datetime
) -> None:
    """Record that a build job made an image; one that nobody waits for any more changes nothing."""
    job = _collect(session, token, record)
    if job is None or job.image_id is None:
        return
    image = session.get_one(Image, job.image_id, with_for_update=True)
    if image.state is not ImageState.BUILDING:
        return
    images.move_image(image, ImageState.READY, now=now)
    image.sif_sha256, image.size = built.sha256, built.size
    image.lock = built.lock or None


def measured(
    session: Session, token: str, found: Measurement, record: dict[str, Any], *, now: datetime
) -> bool:
    """Record what is in a data directory; return whether that is other than it was."""
    job = _collect(session, token, record)
    if job is None or job.snapshot_id is None:
        return False
    return snapshots.measured(session, job.snapshot_id, found, now=now)


def predicted(session: Session, token: str, record: dict[str, Any], *, now: datetime) -> None:
    """Record that the predictions are at rest: the next planning opens the score job.

    That has its own rule of who may be beside whom, as scoring may be on other nodes.
    """
    job = _collect(session, token, record)
    if job is None or job.evaluation_id is None:
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if evaluation.state.is_final:
        return
    if cancellation.finish_when_disclosed(session, evaluation, now=now):
        return
    if evaluation.state is EvaluationState.QUEUED:
        transitions.move(session, evaluation, EvaluationState.RUNNING, now=now)
    transitions.move(session, evaluation, EvaluationState.SCORING, now=now)
    if session.get_one(Submission, evaluation.submission_id).is_smoke:
        # On the sample nothing is scored: its log is what it was for.
        transitions.move(session, evaluation, EvaluationState.SCORED, now=now)


def scored(
    session: Session,
    token: str,
    *,
    scores: Mapping[str, float],
    seal: dict[str, Any],
    signed: Signed | None = None,
    record: dict[str, Any],
    now: datetime,
) -> None:
    """Write the result, its seal record and the leaderboard's row in one transaction."""
    job = _collect(session, token, record)
    if job is None or job.evaluation_id is None:
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if evaluation.state.is_final:
        return
    result = Result(
        evaluation_id=evaluation.id,
        scores=dict(scores),
        seal=seal,
        envelope=signed.envelope if signed else None,
        team_envelope=signed.team_envelope if signed else None,
        seal_sha256=canonical_digest(seal),
        created_at=now,
    )
    session.add(result)
    _prove_scorer(session, evaluation, now=now)
    _note_result(session, evaluation, result, now=now)
    transitions.move(session, evaluation, EvaluationState.SCORED, now=now)
    session.flush()
    if evaluation.rerun_of is not None:
        # It was run to be compared, and stands for nobody.
        return
    # A merger of teams may be moving it at this moment, or somebody marks it: wait for that, and read where it is now.
    standings.update(session, standings.lock(session, evaluation.submission_id))


def _prove_scorer(session: Session, evaluation: Evaluation, *, now: datetime) -> None:
    """Note that the scorer has given a score: from then on a failure in a sealed phase may well be a program's doing."""
    task = session.get_one(Task, evaluation.task_id)
    scorer = session.get_one(Image, task.scorer_image_id)
    if scorer.scored_at is None:
        scorer.scored_at = now


def _note_result(
    session: Session, evaluation: Evaluation, result: Result, *, now: datetime
) -> None:
    """Let the audit log hold a digest of the result: its chain then shows that one was changed."""
    submission = session.get_one(Submission, evaluation.submission_id)
    audit_log.note(
        session,
        actor=PORTAL,
        action=Action.RESULT_STORED,
        subject=Subject(kind="evaluation", id=evaluation.id),
        challenge_id=submission.challenge_id,
        now=now,
        sha256=result_digest(result),
    )


def result_digest(result: Result) -> str:
    """Return the sha256 of all that a result holds."""
    return canonical_digest(
        {
            "scores": result.scores,
            "seal": result.seal,
            "seal_sha256": result.seal_sha256,
            "envelope": result.envelope,
            "team_envelope": result.team_envelope,
        }
    )


def failed(
    session: Session,
    token: str,
    reason: FailureReason,
    *,
    message: str = "",
    detail: str = "",
    record: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Record a failure that another try would not change."""
    job = _collect(session, token, record or {})
    if job is not None:
        end_in_failure(session, job, reason, message=message, detail=detail, now=now)


def try_again(
    session: Session,
    token: str,
    *,
    detail: str,
    reason: FailureReason = FailureReason.INFRASTRUCTURE,
    record: dict[str, Any] | None = None,
    lost: bool = False,
    pauses: Sequence[timedelta],
    now: datetime,
) -> None:
    """Record that the cluster failed the attempt; open another while there are tries left, one after each pause.

    ``reason`` is what it comes to when there are none.
    """
    attempt = attempts.lock_attempt(session, token)
    made = attempts.attempts_made(session, attempt.job_id)
    job = _collect(session, token, record or {}, keep_open=may_try_again(made, pauses), lost=lost)
    if job is None:
        return
    attempt.problem = detail
    if _is_cancelled(session, job, now=now):
        job.is_open = False
    elif may_try_again(made, pauses):
        attempts.new_attempt(session, job, now=now)
        _back_to_queue(session, job, now=now)
    else:
        end_in_failure(session, job, reason, detail=detail, now=now)


def cancelled(session: Session, token: str, record: dict[str, Any], *, now: datetime) -> None:
    """Record that the job was cancelled: here, or on the cluster by whoever may do that."""
    job = _collect(session, token, record)
    if job is None:
        return
    if job.evaluation_id is None:
        end_in_failure(session, job, FailureReason.INFRASTRUCTURE, detail="cancelled", now=now)
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if not evaluation.state.is_final:
        cancellation.finish_cancelled(session, evaluation, now=now)


def cancelled_before_submit(session: Session, token: str, *, now: datetime) -> None:
    """Close an attempt that waits to be sent, because its evaluation is to end."""
    attempt = attempts.lock_attempt(session, token)
    if attempt.state is AttemptState.CREATED:
        attempts.step(attempt, AttemptState.ENDED)
        cancelled(session, token, {}, now=now)


def lost(session: Session, token: str, *, detail: str, now: datetime) -> None:
    """Hand to staff an attempt that started and that the cluster then forgot."""
    attempt = attempts.lock_attempt(session, token)
    job = _collect(session, token, {}, lost=True)
    if job is None:
        return
    attempt.problem = detail
    if job.evaluation_id is None:
        end_in_failure(session, job, FailureReason.LOST, detail=detail, now=now)
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if not evaluation.state.is_final:
        transitions.hold(session, evaluation, FailureReason.LOST, detail=detail, now=now)


def is_unsent(session: Session, token: str) -> bool:
    """Whether an attempt waits to be sent, and nothing of it was."""
    return session.get_one(Attempt, token).state is AttemptState.CREATED


def set_aside(
    session: Session, token: str, *, detail: str, since: datetime, now: datetime
) -> datetime | None:
    """Hand to staff what an attempt is for, where the portal itself cannot go on with it.

    The attempt stays as it is, so that staff can let it go on from there. What its team is shown is what it would
    be informed of a failure: a program that knew how to stop the portal would else tell by it. So where results are
    held back nothing is shown before the step after ``since``: until then nothing is done, and that moment returned.
    """
    attempt = attempts.lock_attempt(session, token)
    if attempt.state in _CLOSED:
        return None
    attempt.problem = detail
    job = session.get_one(Job, attempt.job_id, with_for_update=True)
    if job.evaluation_id is not None:
        told_from = _hand_to_staff(session, attempt, job, detail=detail, since=since, now=now)
        if told_from is not None:
            return told_from
    # What the cluster may have keeps its place there.
    job.is_open = attempt.state not in {AttemptState.CREATED, AttemptState.ENDED}
    if job.evaluation_id is None:
        end_in_failure(session, job, FailureReason.INFRASTRUCTURE, detail=detail, now=now)
    return None


def _hand_to_staff(
    session: Session, attempt: Attempt, job: Job, *, detail: str, since: datetime, now: datetime
) -> datetime | None:
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if evaluation.state.is_final or evaluation.state is EvaluationState.HELD:
        return None
    may_have_read = job.kind is JobKind.SCORE or attempt.state is not AttemptState.CREATED
    started = may_have_read and transitions.is_sealed(session, evaluation)
    if started:
        if evaluation.state is EvaluationState.QUEUED:
            transitions.move(session, evaluation, EvaluationState.RUNNING, now=now)
            session.flush()
        told_from = transitions.told_from(session, evaluation, attempt.ended_at or since)
        if now < told_from:
            return told_from
    reason = reason_without_tries(job.kind, started=started)
    transitions.hold(session, evaluation, reason, detail=detail, now=now)
    return None


def _is_cancelled(session: Session, job: Job, *, now: datetime) -> bool:
    """Whether the evaluation of a job is to end; if so, it has ended now."""
    if job.evaluation_id is None:
        return False
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if evaluation.state.is_final or not cancellation.is_asked(session, evaluation):
        return False
    cancellation.finish_cancelled(session, evaluation, now=now)
    return True


def end_in_failure(
    session: Session,
    job: Job,
    reason: FailureReason,
    *,
    message: str = "",
    detail: str = "",
    now: datetime,
) -> None:
    """Fail whatever the job was for."""
    if job.snapshot_id is not None:
        snapshots.failed(session, job.snapshot_id, detail or reason.value)
        return
    if job.image_id is not None:
        image = session.get_one(Image, job.image_id, with_for_update=True)
        if image.state is not ImageState.BUILDING:
            return
        images.move_image(image, ImageState.FAILED, now=now)
        image.reason, image.message, image.detail = reason, message, detail
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    if evaluation.state.is_final:
        return
    if reason not in disclosure.AFTER_DATA and _has_read_data(session, job, evaluation):
        # Shown as it is, it would say that the program had ended well before.
        reason, message, detail = FailureReason.UNFINISHED, "", f"{reason}: {detail}"
    if evaluation.state is EvaluationState.QUEUED and reason in disclosure.AFTER_DATA:
        # A run too short to be seen running is shown like any other.
        transitions.move(session, evaluation, EvaluationState.RUNNING, now=now)
    transitions.fail(session, evaluation, reason, message=message, detail=detail, now=now)


def _has_read_data(session: Session, job: Job, evaluation: Evaluation) -> bool:
    """Whether a program of a sealed phase may have read private data in this job or before it."""
    if not transitions.is_sealed(session, evaluation):
        return False
    if job.kind is JobKind.SCORE:
        return evaluation.image_id is not None
    return any((one.record or {}).get("started") for one in attempts.of_job(session, job.id))


def canonical_json(value: object) -> str:
    """Return JSON with one form per value: sorted keys, no spaces, UTF-8, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def canonical_digest(value: object) -> str:
    """Return the sha256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _collect(
    session: Session,
    token: str,
    record: dict[str, Any],
    *,
    keep_open: bool = False,
    lost: bool = False,
) -> Job | None:
    """Close an attempt once; None when that was done before, so that repeating is harmless."""
    attempt = attempts.lock_attempt(session, token)
    to = AttemptState.LOST if lost else AttemptState.COLLECTED
    if attempt.state in _CLOSED:
        return None
    attempts.step(attempt, to)
    attempt.record = record
    job = session.get_one(Job, attempt.job_id, with_for_update=True)
    job.is_open = keep_open
    return job


_CLOSED = frozenset({AttemptState.COLLECTED, AttemptState.LOST})


def _back_to_queue(session: Session, job: Job, *, now: datetime) -> None:
    if job.kind is not JobKind.PREDICT:
        return
    evaluation = session.get_one(Evaluation, job.evaluation_id, with_for_update=True)
    message = f"{FAILURES[FailureReason.INFRASTRUCTURE].title}; it is tried again."
    transitions.back_to_queue(session, evaluation, message=message, now=now)
