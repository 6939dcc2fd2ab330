"""Bringing a challenge from one state of its life to the next."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal.db.queries.challenges import dry_runs
from portal.db.tables import Challenge, Evaluation, Submission
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.life import (
    BY_ORGANISERS,
    CHALLENGE_TRANSITIONS,
    MAX_REASON_CHARS,
    ChallengeState,
    check_step,
)
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.pagination import PAGE_SIZE
from portal.domain.permissions import ChallengeRelation
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.challenges.dry_runs import publication

_FINAL = tuple(state for state in EvaluationState if state.is_final)


class Stock(TypedDict):
    """What there is of a challenge that a step must not leave behind."""

    has_submissions: bool
    has_unfinished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A step that the actor may take, or what it still lacks."""

    to: ChallengeState
    lacks: str
    """Why it cannot be taken yet; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePage:
    """Where a challenge is, and where it can go from there."""

    frame: Frame
    approved_at: datetime | None
    steps: tuple[NextStep, ...]


def state_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> StatePage:
    """Return where a challenge is; for whoever works for it. Raises ``NotFoundError``."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_review(actor, visible.relation):
        raise NotFoundError
    challenge = visible.challenge
    stock = _stock(session, challenge)
    return StatePage(
        frame=visible.frame,
        approved_at=challenge.approved_at,
        steps=tuple(
            NextStep(to=to, lacks=_lacking(session, challenge, to, stock))
            for to in ChallengeState
            if to in CHALLENGE_TRANSITIONS[challenge.state]
            and _may(actor, visible.relation, challenge.state, to)
        ),
    )


def step(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    to: ChallengeState,
    reason: str = "",
    now: datetime,
) -> ChallengeState:
    """Bring a challenge into another state; return which it was in. Doing it again changes nothing.

    Raises ``NotFoundError`` for whoever does not see it, ``NotAllowedError`` for whoever may not, and
    ``ParticipantError`` for a step that there is not, or not yet.
    """
    challenge, relation = _locked(session, actor, slug)
    before = challenge.state
    if len(reason) > MAX_REASON_CHARS:
        raise ParticipantError(f"Write at most {MAX_REASON_CHARS} characters.", reason="reason")
    if not _may(actor, relation, before, to):
        raise NotAllowedError("Only an owner of the challenge can do this.")
    if before is to:
        return before
    check_step(
        before,
        to,
        is_approved=challenge.approved_at is not None,
        **_stock(session, challenge),
        dry_run_lacks=_dry_run_lacks(session, challenge, to),
    )
    if to is ChallengeState.PUBLISHED and before in BY_ORGANISERS:
        publication.show_baselines(session, challenge)
    challenge.state, challenge.updated_at = to, now
    audit_log.note(
        session,
        actor=actor,
        action=Action.CHALLENGE_STEPPED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        before=before.value,
        state=to.value,
        reason=reason or None,
    )
    return before


def approved(session: Session, slug: str, *, now: datetime) -> None:
    """Note that an operator has approved what a challenge runs: it may be published from now on."""
    challenge = access.lock(session, slug)
    challenge.approved_at = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A challenge whose organisers wait for the site."""

    slug: str
    title: str
    since: datetime


def in_review(session: Session, *, actor: Actor) -> tuple[Waiting, ...]:
    """List the challenges whose organisers ask for the site's approval, the longest wait first; for staff."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    rows = session.execute(
        select(Challenge.slug, Challenge.title, Challenge.updated_at)
        .where(Challenge.state == ChallengeState.IN_REVIEW)
        .order_by(Challenge.updated_at, Challenge.id)
        .limit(PAGE_SIZE)
    )
    return tuple(Waiting(slug=slug, title=title, since=since) for slug, title, since in rows)


def _locked(session: Session, actor: Actor, slug: str) -> tuple[Challenge, ChallengeRelation]:
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_operate(actor) and not permissions.may_review(actor, relation):
        raise NotFoundError
    return challenge, relation


def _may(
    actor: Actor, relation: ChallengeRelation, before: ChallengeState, to: ChallengeState
) -> bool:
    by_organisers = {before, to} <= BY_ORGANISERS
    return permissions.may_step(actor, relation, by_organisers=by_organisers)


def _lacking(session: Session, challenge: Challenge, to: ChallengeState, stock: Stock) -> str:
    try:
        check_step(
            challenge.state,
            to,
            is_approved=challenge.approved_at is not None,
            **stock,
            dry_run_lacks=_dry_run_lacks(session, challenge, to),
        )
    except ParticipantError as refusal:
        return refusal.message
    return ""


def _dry_run_lacks(session: Session, challenge: Challenge, to: ChallengeState) -> str:
    is_asked = to is ChallengeState.PUBLISHED and challenge.state in BY_ORGANISERS
    return publication.lacking(session, challenge) if is_asked else ""


def _stock(session: Session, challenge: Challenge) -> Stock:
    """Return whether a team has submitted anything, and whether an evaluation has not ended. One query."""
    submitted = exists().where(Submission.challenge_id == challenge.id, ~dry_runs.is_of_dry_run())
    unfinished = (
        select(Evaluation.id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(Submission.challenge_id == challenge.id, Evaluation.state.not_in(_FINAL))
        .exists()
    )
    used, runs = session.execute(select(submitted, unfinished)).one()
    return Stock(has_submissions=bool(used), has_unfinished=bool(runs))
