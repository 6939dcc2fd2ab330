"""Marking submissions: organisers say what counts, a team withdraws its own; what stands follows at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Submission, SubmissionMark
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import ParticipantError
from portal.domain.leaderboards.marks import (
    BY_ORGANISERS,
    Mark,
    check_mark,
    check_withdrawal,
    clean_reason,
)
from portal.services.audit import log as audit_log
from portal.services.challenges import access as challenge_access
from portal.services.leaderboards import standings
from portal.services.leaderboards.boards import has_ladder
from portal.services.submissions import access
from portal.services.submissions.access import VisibleSubmission
from portal.services.submissions.disclosure import MarkFacts, mark_facts

LATE = "It was submitted late, after the end of the phase."


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeMark:
    """A mark as those see it who make it."""

    mark: Mark
    reason: str
    made_at: datetime
    by: str
    """What to call whoever made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksPage:
    """A submission's marks, and which others there can be."""

    submission_id: str
    challenge_slug: str
    challenge: str
    phase: str
    team: str
    filename: str
    is_smoke: bool
    has_ladder: bool
    marks: tuple[MadeMark, ...]
    missing: tuple[Mark, ...]
    """Those that organisers can still make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawPage:
    """What is shown before a team withdraws a submission, or takes that back."""

    submission_id: str
    challenge_slug: str
    challenge: str
    phase: str
    team: str
    filename: str
    ends_at: datetime
    counts: bool
    has_ladder: bool
    is_withdrawn: bool
    lacks: str
    """Why nothing can be changed; empty if it can."""


def marks_page(session: Session, *, actor: Actor, submission_id: str) -> MarksPage:
    """Return the marks of a submission, for whoever may make them. Raises ``NotFoundError``."""
    row = _find(session, actor, submission_id).submission
    made = session.scalars(
        select(SubmissionMark)
        .where(SubmissionMark.submission_id == submission_id)
        .options(joinedload(SubmissionMark.person))
        .order_by(SubmissionMark.made_at, SubmissionMark.mark)
    ).all()
    present = {one.mark for one in made}
    return MarksPage(
        submission_id=row.id,
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        phase=row.phase.title,
        team=row.team.name,
        filename=row.filename,
        is_smoke=row.is_smoke,
        has_ladder=has_ladder(session, row),
        marks=tuple(
            MadeMark(
                mark=one.mark,
                reason=one.reason,
                made_at=one.made_at,
                by=one.person.names.own if one.person else "The portal",
            )
            for one in made
        ),
        missing=tuple(one for one in Mark if one in BY_ORGANISERS and one not in present),
    )


def mark(
    session: Session, *, actor: Actor, submission_id: str, mark: Mark, reason: str, now: datetime
) -> tuple[MarkFacts, ...]:
    """Make a mark, or give another reason for it; the same again changes nothing. Return all that there are then.

    Raises ``NotFoundError``, and ``ParticipantError`` without a reason or for what does not go together.
    """
    _check_may_mark(session, actor, submission_id)
    row, present = _locked(session, submission_id)
    check_mark(mark, present, is_smoke=row.is_smoke)
    said = clean_reason(reason)
    if mark not in present or present[mark].reason != said:
        _make(session, actor, row, mark, present, reason=said, now=now)
        _note(session, actor, Action.SUBMISSION_MARKED, row, now, mark=mark.value, reason=said)
    return _facts(session, row)


def unmark(
    session: Session, *, actor: Actor, submission_id: str, mark: Mark, reason: str, now: datetime
) -> tuple[MarkFacts, ...]:
    """Take a mark of the organisers off; doing it again changes nothing. Return those that are left.

    Raises ``NotFoundError``, and ``ParticipantError`` without a reason, which the audit log keeps.
    """
    _check_may_mark(session, actor, submission_id)
    if mark not in BY_ORGANISERS:
        raise ParticipantError("Only its team takes back that it was withdrawn.", reason="mark")
    row, present = _locked(session, submission_id)
    said = clean_reason(reason)
    if mark in present:
        _remove(session, row, present[mark])
        _note(session, actor, Action.SUBMISSION_UNMARKED, row, now, mark=mark.value, reason=said)
    return _facts(session, row)


def mark_late(session: Session, row: Submission, *, now: datetime) -> None:
    """Let a submission that was made after the end of its phase stand without a rank.

    Organisers can take the mark off, as any other of theirs.
    """
    session.add(SubmissionMark(submission_id=row.id, mark=Mark.UNRANKED, reason=LATE, made_at=now))


def withdraw_page(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> WithdrawPage:
    """Return what withdrawing means now, for the team. Raises ``NotFoundError``."""
    found = _find_own(session, actor, submission_id)
    row = found.submission
    return WithdrawPage(
        submission_id=row.id,
        challenge_slug=row.challenge.slug,
        challenge=row.challenge.title,
        phase=row.phase.title,
        team=row.team.name,
        filename=row.filename,
        ends_at=row.phase.ends_at,
        counts=row.counts,
        has_ladder=has_ladder(session, row),
        is_withdrawn=any(one.mark is Mark.WITHDRAWN for one in row.marks),
        lacks=_lacking(found, now),
    )


def withdraw(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> tuple[MarkFacts, ...]:
    """Take the own team's submission off the board; it still counts against the limits. Idempotent.

    Raises ``NotFoundError``, and ``ParticipantError`` once the phase is over.
    """
    _check_own(_find_own_to_change(session, actor, submission_id), now)
    row, present = _locked(session, submission_id)
    if Mark.WITHDRAWN not in present:
        _make(session, actor, row, Mark.WITHDRAWN, present, reason="", now=now)
        _note(session, actor, Action.SUBMISSION_WITHDRAWN, row, now)
    return _facts(session, row)


def reinstate(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> tuple[MarkFacts, ...]:
    """Take back that the own team's submission was withdrawn. Idempotent.

    Raises ``NotFoundError``, and ``ParticipantError`` once the phase is over.
    """
    _check_own(_find_own_to_change(session, actor, submission_id), now)
    row, present = _locked(session, submission_id)
    if Mark.WITHDRAWN in present:
        _remove(session, row, present[Mark.WITHDRAWN])
        _note(session, actor, Action.SUBMISSION_REINSTATED, row, now)
    return _facts(session, row)


def may_withdraw(actor: Actor, found: VisibleSubmission, now: datetime) -> bool:
    """Whether the actor can withdraw a submission now, or take that back."""
    return permissions.may_change_team(actor, found.team) and not _lacking(found, now)


def _find(session: Session, actor: Actor, submission_id: str) -> VisibleSubmission:
    return access.find(session, actor, submission_id, access.by_challenge(permissions.may_mark))


def _check_may_mark(session: Session, actor: Actor, submission_id: str) -> None:
    challenge_access.check_may_change(_find(session, actor, submission_id).relation)


def _find_own(session: Session, actor: Actor, submission_id: str) -> VisibleSubmission:
    return access.find(
        session,
        actor,
        submission_id,
        lambda one, _relation, team: permissions.may_change_team(one, team),
    )


def _find_own_to_change(session: Session, actor: Actor, submission_id: str) -> VisibleSubmission:
    found = _find_own(session, actor, submission_id)
    challenge_access.check_may_change(found.relation)
    return found


def _check_own(found: VisibleSubmission, now: datetime) -> None:
    row = found.submission
    check_withdrawal(
        ends_at=row.phase.ends_at,
        now=now,
        is_open=found.relation.is_open,
        is_smoke=row.is_smoke,
    )


def _lacking(found: VisibleSubmission, now: datetime) -> str:
    try:
        _check_own(found, now)
    except ParticipantError as refusal:
        return refusal.message
    return ""


def _locked(session: Session, submission_id: str) -> tuple[Submission, dict[Mark, SubmissionMark]]:
    """Lock what stands for the team, and read the marks as they are then."""
    row = standings.lock(session, submission_id)
    marks = session.scalars(
        select(SubmissionMark)
        .where(SubmissionMark.submission_id == submission_id)
        .execution_options(populate_existing=True)
    )
    return row, {one.mark: one for one in marks}


def _facts(session: Session, row: Submission) -> tuple[MarkFacts, ...]:
    """Return the marks as they are now."""
    session.flush()
    return mark_facts(
        session.scalars(
            select(SubmissionMark)
            .where(SubmissionMark.submission_id == row.id)
            .order_by(SubmissionMark.made_at, SubmissionMark.mark)
        ).all()
    )


def _make(
    session: Session,
    actor: Actor,
    row: Submission,
    mark: Mark,
    present: dict[Mark, SubmissionMark],
    *,
    reason: str,
    now: datetime,
) -> None:
    made = present.get(mark)
    if made is None:
        made = SubmissionMark(submission_id=row.id, mark=mark)
        session.add(made)
    made.reason, made.made_by, made.made_at = reason, str(actor.person_id), now
    standings.settle_again(session, row)


def _remove(session: Session, row: Submission, made: SubmissionMark) -> None:
    session.delete(made)
    standings.settle_again(session, row)


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: Submission,
    now: datetime,
    **detail: str,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="submission", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
        **detail,
    )
