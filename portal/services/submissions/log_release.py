"""Releasing a sealed log to its team: one deliberate act that is written down and cannot be taken back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.queries.submissions import run_logs as queries
from portal.db.tables import LogRelease
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.evaluations.jobs import JobKind
from portal.services.audit import log as audit_log
from portal.services.challenges.access import check_may_change
from portal.services.submissions import access, run_logs
from portal.services.submissions.access import VisibleSubmission
from portal.services.submissions.run_logs import LogFacts

MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePage:
    """What is shown before somebody decides: all that the team would see."""

    submission_id: str
    challenge_slug: str
    challenge: str
    team: str
    token: str
    kind: JobKind
    number: int
    logs: tuple[LogFacts, ...]
    is_released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedLog:
    """A log that its team may see."""

    kind: JobKind
    number: int
    """Of the try."""
    released_at: datetime
    reason: str
    streams: tuple[LogFacts, ...]


def release_page(
    session: Session, *, actor: Actor, submission_id: str, token: str, now: datetime
) -> ReleasePage:
    """Return what would be released, and write down that it was looked at. Raises ``NotFoundError``."""
    found, attempt = _find(session, actor, submission_id, token)
    submission = found.submission
    audit_log.note(
        session,
        actor=actor,
        action=Action.SEALED_LOOKED_AT,
        subject=Subject(kind="submission", id=submission_id),
        challenge_id=submission.challenge_id,
        now=now,
    )
    return ReleasePage(
        submission_id=submission.id,
        challenge_slug=submission.challenge.slug,
        challenge=submission.challenge.title,
        team=submission.team.name,
        token=token,
        kind=attempt.kind,
        number=attempt.number,
        logs=run_logs.of_attempts(session, [token]).get(token, ()),
        is_released=attempt.is_released,
    )


def release(
    session: Session, *, actor: Actor, submission_id: str, token: str, reason: str, now: datetime
) -> None:
    """Let the team see the log of an attempt; releasing it again changes nothing.

    Raises ``NotFoundError``, and ``ParticipantError`` without a reason, which the team reads too.
    """
    found, attempt = _find(session, actor, submission_id, token)
    said = " ".join(reason.split())
    if not said:
        raise ParticipantError("Say why: the team reads it above the log.", reason="reason")
    if len(said) > MAX_REASON_CHARS:
        raise ParticipantError(
            f"The reason may have {MAX_REASON_CHARS} characters.", reason="reason"
        )
    row = LogRelease(
        attempt_token=token, released_by=str(actor.person_id), released_at=now, reason=said
    )
    if attempt.is_released or not insert_if_absent(session, row):
        return
    audit_log.note(
        session,
        actor=actor,
        action=Action.LOG_RELEASED,
        subject=Subject(kind="submission", id=submission_id),
        challenge_id=found.submission.challenge_id,
        now=now,
        attempt=token,
        job=attempt.kind.value,
    )


def released(session: Session, submission_id: str) -> tuple[ReleasedLog, ...]:
    """List what the team of a submission may see of its logs, in the order of the tries. One query."""
    found: dict[str, ReleasedLog] = {}
    for row in queries.released(session, submission_id):
        facts = LogFacts(stream=row.stream, text=row.text, truncated=row.truncated)
        before = found[row.token].streams if row.token in found else ()
        found[row.token] = ReleasedLog(
            kind=row.kind,
            number=row.number,
            released_at=row.released_at,
            reason=row.reason,
            streams=(*before, facts),
        )
    return tuple(found.values())


def _find(
    session: Session, actor: Actor, submission_id: str, token: str
) -> tuple[VisibleSubmission, queries.LoggedAttempt]:
    may = access.by_challenge(permissions.may_release_logs)
    found = access.find(session, actor, submission_id, may)
    check_may_change(found.relation)
    attempt = queries.logged_attempt(session, submission_id, token)
    if attempt is None:
        raise NotFoundError
    return found, attempt
