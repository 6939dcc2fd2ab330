"""What came of a dry run: read from its submissions, so that it is right whenever somebody looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries.challenges import dry_runs as queries
from portal.db.tables import Challenge, DryRun, DryRunTrial
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.dry_runs import (
    Ending,
    Expectation,
    Finding,
    Range,
    Trial,
    TrialRole,
    Verdict,
    check_may_accept,
    check_may_start,
    judge,
    summary_of,
    words_of,
)
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import clean_reason
from portal.domain.leaderboards.scores import Column, exact
from portal.domain.submissions.limits import SubmissionKind, start_of_day
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.challenges.dry_runs.subject import DryRunSubject, subject_of
from portal.services.leaderboards.boards import leading_columns
from portal.services.submissions.disclosure import most_urgent_state, newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A submission of a dry run, for those who work for the challenge."""

    role: TrialRole
    name: str
    about: str
    phase: str
    kind: SubmissionKind
    expected: str
    finding: Finding
    submission_id: str
    board: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A dry run, and what came of it."""

    number: int
    revision: int
    started_at: datetime
    started_by: str
    verdict: Verdict
    is_current: bool
    """Whether what runs is still what ran."""
    rows: tuple[ReportRow, ...]
    notes: tuple[str, ...]
    reason: str
    """Why an owner accepts what its cheats gain; empty: nobody did."""
    accepted_at: datetime | None

    @property
    def wrong(self) -> int:
        """Return how many of its submissions are wrong."""
        return sum(row.finding.verdict is Verdict.WRONG for row in self.rows)

    @property
    def pending(self) -> int:
        """Return how many have not ended."""
        return sum(row.finding.verdict is Verdict.PENDING for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunPage:
    """What those see who work for a challenge."""

    frame: Frame
    report: Report | None
    newest: int
    """The number of the newest; 0: there is none."""
    baselines: int
    samples: int
    """How many the bundle names."""
    lacks: str
    """Why none can be started now; empty if one can."""
    may_start: bool
    may_accept: bool
    """Whether an owner can accept what the cheats of this one gain."""


def page(
    session: Session, *, actor: Actor, slug: str, number: int | None, now: datetime
) -> DryRunPage:
    """Return a dry run, the newest without a number; for whoever works for the challenge. Raises ``NotFoundError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_review(actor, visible.relation):
        raise NotFoundError
    challenge, relation = visible.challenge, visible.relation
    subject = subject_of(session, challenge)
    last = queries.find(session, challenge.id)
    row = last if number is None else queries.find(session, challenge.id, number)
    if number is not None and row is None:
        raise NotFoundError
    report = None if row is None else report_of(session, challenge, row, subject)
    lacks = _lacks(session, challenge, now=now)
    roles = [trial.role for trial in subject.trials]
    return DryRunPage(
        frame=visible.frame,
        report=report,
        newest=last.number if last else 0,
        baselines=roles.count(TrialRole.BASELINE),
        samples=roles.count(TrialRole.SAMPLE),
        lacks=lacks,
        may_start=permissions.may_try(actor, relation) and not lacks,
        may_accept=report is not None
        and permissions.may_accept_cheats(actor, relation)
        and _can_be_accepted(report),
    )


def _lacks(session: Session, challenge: Challenge, *, now: datetime) -> str:
    try:
        check_may_start(
            challenge.state,
            is_approved=challenge.approved_at is not None,
            today=queries.started_since(session, challenge.id, start_of_day(now)),
        )
    except ParticipantError as refusal:
        return refusal.message
    return ""


def _can_be_accepted(report: Report) -> bool:
    wrong = {row.role for row in report.rows if row.finding.verdict is Verdict.WRONG}
    return not report.pending and wrong == {TrialRole.ATTACK}


def report_of(
    session: Session, challenge: Challenge, row: DryRun, subject: DryRunSubject
) -> Report:
    """Return what came of a dry run, compared with what there is now."""
    columns = leading_columns(session, challenge)
    rows = queries.trials_of(session, row.id)
    trials = [_trial(one, columns) for one in rows]
    findings = judge(trials, columns, accepted=bool(row.reason))
    return Report(
        number=row.number,
        revision=row.revision_number,
        started_at=row.started_at,
        started_by=row.person.names.own,
        verdict=summary_of(findings),
        is_current=row.sha256 == subject.sha256,
        rows=tuple(
            ReportRow(
                role=one.role,
                name=one.name,
                about=one.about,
                phase=one.submission.phase.title,
                kind=one.submission.kind,
                expected=words_of(trial.expected, one.role, columns),
                finding=finding,
                submission_id=one.submission_id,
                board=one.board,
            )
            for one, trial, finding in zip(rows, trials, findings, strict=True)
        ),
        notes=tuple(row.notes),
        reason=row.reason,
        accepted_at=row.accepted_at,
    )


def _trial(row: DryRunTrial, columns: Sequence[Column]) -> Trial:
    evaluations = newest(row.submission.evaluations)
    by_task = {one.task_id: one.result.scores for one in evaluations if one.result}
    return Trial(
        role=row.role,
        expected=_expectation(row.expected),
        ending=Ending(
            state=most_urgent_state(one.state for one in evaluations),
            reason=next((one.reason for one in evaluations if one.reason is not None), None),
            scores=exact(by_task, columns),
        ),
        phase=row.submission.phase.slug,
    )


def _expectation(written: dict[str, Any]) -> Expectation:
    return Expectation(
        outcome=written["outcome"],
        bounds={key: Range(**one) for key, one in written["bounds"].items()},
        may_score=written["may_score"],
    )


def accept(
    session: Session, *, actor: Actor, slug: str, number: int, reason: str, now: datetime
) -> None:
    """Accept what the cheats of a dry run gain, for a reason that the audit log keeps. The same again changes nothing.

    Raises ``NotFoundError``, ``NotAllowedError`` for whoever is no owner, and ``ParticipantError`` without a reason, or
    where nothing is to be accepted.
    """
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_review(actor, relation):
        raise NotFoundError
    if not permissions.may_accept_cheats(actor, relation):
        raise NotAllowedError("Only an owner of the challenge can do this.")
    access.check_may_change(relation)
    row = queries.find(session, challenge.id, number)
    if row is None:
        raise NotFoundError
    said = clean_reason(reason)
    if row.reason == said:
        return
    columns = leading_columns(session, challenge)
    trials: Sequence[Trial] = [_trial(one, columns) for one in queries.trials_of(session, row.id)]
    check_may_accept(trials, judge(trials, columns, accepted=False))
    row.reason, row.accepted_by, row.accepted_at = said, actor.person_id, now
    audit_log.note(
        session,
        actor=actor,
        action=Action.CHEATS_ACCEPTED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        dry_run=number,
        reason=said,
    )
