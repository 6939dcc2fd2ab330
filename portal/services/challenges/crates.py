"""Collecting what is exported of a challenge or of one evaluation; each export is in the audit log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.db.queries.challenges import crates as queries
from portal.db.tables import Challenge
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.crates import Board, CrateFacts, CrateResult, Place
from portal.domain.errors import NotFoundError
from portal.domain.leaderboards.ranking import places
from portal.services.audit import log as audit_log
from portal.services.leaderboards.boards import BoardRules, entry_of, rules_of
from portal.services.submissions import access as submission_access


def of_challenge(session: Session, *, actor: Actor, slug: str, now: datetime) -> CrateFacts:
    """Return a challenge with its leaderboards and all results. Raises ``NotFoundError``."""
    challenge = queries.challenge(session, slug=slug)
    if challenge is None or not permissions.may_operate(actor):
        raise NotFoundError
    results = queries.of_challenge(session, challenge.id)
    _note(session, actor, challenge, Subject(kind="challenge", id=slug), now=now)
    return CrateFacts(
        slug=challenge.slug,
        title=challenge.title,
        terms=challenge.terms,
        pages={page.slug: page.markdown for page in challenge.pages},
        columns=_columns(challenge),
        boards=_boards(session, challenge),
        results=tuple(map(_result, results)),
    )


def of_one(session: Session, *, actor: Actor, wanted: str, now: datetime) -> CrateFacts:
    """Return an evaluation, or all of a submission, with reruns. For operators; raises ``NotFoundError``."""
    if not permissions.may_operate(actor):
        raise NotFoundError
    return _one(session, actor, wanted, now=now)


def of_submission(
    session: Session, *, actor: Actor, submission_id: str, now: datetime
) -> CrateFacts:
    """Return all of a submission, for whoever may see what is sealed of it. Raises ``NotFoundError``."""
    submission_access.find(
        session, actor, submission_id, submission_access.by_challenge(permissions.may_review)
    )
    return _one(session, actor, submission_id, now=now)


def _one(session: Session, actor: Actor, wanted: str, *, now: datetime) -> CrateFacts:
    results = queries.of_one(session, wanted)
    if not results:
        raise NotFoundError
    submission = results[0].submission
    challenge = queries.challenge(session, challenge_id=submission.challenge_id)
    if challenge is None:
        raise NotFoundError
    _note(session, actor, challenge, Subject(kind="submission", id=submission.id), now=now)
    return CrateFacts(
        slug=challenge.slug,
        title=challenge.title,
        terms=challenge.terms,
        pages={},
        columns=_columns(challenge),
        boards=(),
        results=tuple(map(_result, results)),
    )


def _note(
    session: Session, actor: Actor, challenge: Challenge, subject: Subject, *, now: datetime
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=Action.EVIDENCE_EXPORTED,
        subject=subject,
        challenge_id=challenge.id,
        now=now,
    )


def _columns(challenge: Challenge) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "key": column.key,
            "title": column.title,
            "sort": column.sort.value,
            "precision": column.precision,
            "minimum": column.minimum,
            "maximum": column.maximum,
            "primary": column.is_primary,
            "private": column.private,
        }
        for column in challenge.columns
    )


def _boards(session: Session, challenge: Challenge) -> tuple[Board, ...]:
    """Return all boards, as organisers see them."""
    rules = rules_of(session, challenge.id)
    return tuple(
        _board(challenge, one, queries.board(session, one.id))
        for one in rules.boards
        if one.frozen_of is None
    )


def _board(challenge: Challenge, rules: BoardRules, rows: Sequence[queries.Placed]) -> Board:
    phases = [phase for phase in challenge.phases if phase.slug in rules.phases]
    entries = [entry_of(row.standing) for row in rows]
    by_id = {entry.id: row for entry, row in zip(entries, rows, strict=True)}
    columns = {column.key: column for column in rules.board.columns}
    found = places(entries, rules.board.ranks_by, columns)
    return Board(
        phase=rules.slug,
        title=rules.title,
        starts_at=min(phase.starts_at for phase in phases),
        ends_at=max(phase.ends_at for phase in phases),
        places=tuple(
            Place(
                rank=one.rank,
                team=by_id[one.entry.id].team,
                submission=by_id[one.entry.id].standing.submission_id,
                scores=one.entry.scores,
                achieved_at=one.entry.achieved_at,
            )
            for one in found
        ),
    )


def _result(row: queries.Scored) -> CrateResult:
    return CrateResult(
        evaluation=row.evaluation.id,
        submission=row.submission.id,
        team_id=row.team.id,
        team=row.team.name,
        phase=row.phase,
        task=row.task,
        kind=row.submission.kind.value,
        filename=row.submission.filename,
        upload_sha256=row.blob.sha256,
        upload_size=row.blob.size,
        is_kept=row.blob.deleted_at is None,
        submitted_at=row.submission.created_at,
        scored_at=row.result.created_at,
        scores=row.result.scores,
        record=row.result.seal,
        envelope=row.result.envelope,
        rerun_of=row.evaluation.rerun_of,
    )
