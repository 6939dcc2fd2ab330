"""Proposing a revision of a challenge, and deciding what becomes of it.

What runs on the cluster holds as soon as an operator has approved it; everything else as soon as organisers apply it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, ChallengeRevision, RevisionFile
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.profiles import Resources
from portal.domain.challenges.revisions import (
    MAX_MESSAGE_CHARS,
    MAX_PROPOSALS,
    OPEN,
    Origin,
    RevisionState,
    check_revision_step,
)
from portal.domain.errors import NotAllowedError, NotFoundError, OperatorError, ParticipantError
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.bundles import import_bundle, revisions
from portal.services.challenges.bundles.import_bundle import BundleContent, TakenIn
from portal.services.challenges.bundles.revisions import RevisionContent
from portal.services.evaluations.task_approvals import approval_of
from portal.services.leaderboards import standings
from site_config.challenge import Challenge as Described

OTHER_SLUG = "'slug' never changes: it is {slug} here."
NOTHING_CHANGED = "Nothing is otherwise than in revision {number}, which holds now."
TOO_MANY = f"{MAX_PROPOSALS} revisions of this challenge are proposed already. Apply some of them, or drop them."
STALE = (
    "The challenge was changed after this was proposed: revision {held} holds, and this was made of revision {base}."
    " Propose it again."
)
NEEDS_APPROVAL = "The site has to approve this first: {needs}. Ask for a review."
NO_FILES = "The files of this revision are no longer kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a bundle would change."""

    changes: tuple[str, ...]
    needs: tuple[str, ...]
    """What of it the site has to approve; empty where organisers apply it themselves."""


def check_may_propose(session: Session, *, actor: Actor, slug: str) -> RevisionContent:
    """Return what holds now, for whoever may propose something else. Raises ``NotFoundError`` and ``NotAllowedError``."""
    visible = access.find(session, actor, slug)
    _check(actor, visible.relation)
    access.check_may_change(visible.relation)
    return revisions.content_of(session, revisions.find(session, slug))


def propose(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    described: Described,
    material: BundleContent,
    resources: Resources,
    message: str = "",
    origin: Origin = Origin.PAGE,
    now: datetime,
) -> int:
    """Write a proposal down and find out what it would change; return its number.

    Proposing what the newest proposal has is one with it. Raises ``NotFoundError``, ``NotAllowedError``, and
    ``ParticipantError`` for what could never be applied.
    """
    challenge = _locked(session, actor, slug)
    if len(message) > MAX_MESSAGE_CHARS:
        raise ParticipantError(f"Write at most {MAX_MESSAGE_CHARS} characters.", reason="message")
    if described.slug != slug:
        raise ParticipantError(OTHER_SLUG.format(slug=slug), reason="slug")
    held = revisions.current(session, challenge.id)
    if held is not None and revisions.content_of(session, held) == material.all_of_it:
        raise ParticipantError(NOTHING_CHANGED.format(number=held.number), reason="same")
    if same := _same(session, challenge, held, material.all_of_it):
        return same.number
    if _open(session, challenge) >= MAX_PROPOSALS:
        raise ParticipantError(TOO_MANY, reason="too_many")
    trial = _try(session, challenge, described, material, resources, now=now)
    row = revisions.write(
        session,
        challenge=challenge,
        content=material.all_of_it,
        origin=origin,
        actor=actor,
        base=held,
        now=now,
    )
    row.changes, row.needs, row.message = list(trial.changes), list(trial.needs), message
    _note(session, actor, challenge, Action.REVISION_PROPOSED, now, revision=row.number)
    return row.number


def apply(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    number: int,
    described: Described,
    material: BundleContent,
    resources: Resources,
    now: datetime,
) -> TakenIn:
    """Let a proposal hold. Doing it again changes nothing.

    ``described`` and ``material`` are what it is made of, read again. Raises ``NotFoundError``, ``NotAllowedError``,
    and ``ParticipantError`` where the site has to approve it first, or another revision holds by now.
    """
    challenge = _locked(session, actor, slug)
    row = revisions.find(session, slug, number)
    if revisions.content_of(session, row) != material.all_of_it:
        raise OperatorError(f"revision {number} of {slug} is not what was looked at")
    if row.state is RevisionState.APPLIED and _is_current(session, challenge, row):
        return _taken_in(challenge, row)
    check_revision_step(row.state, RevisionState.APPLIED)
    _check_base(session, challenge, row)
    before = approval_of(session, slug)
    _, _, changes = import_bundle.write(
        session, described=described, material=material, resources=resources, now=now
    )
    session.flush()
    needs = before.all_differences(approval_of(session, slug))
    if permissions.may_operate(actor):
        challenge.approved_at = now
    elif needs and challenge.approved_at is not None:
        raise ParticipantError(NEEDS_APPROVAL.format(needs=", ".join(needs)), reason="not_approved")
    standings.rebuild(session, challenge.id)
    row.state, row.applied_at, row.changes = RevisionState.APPLIED, now, list(changes)
    _note(session, actor, challenge, Action.CHALLENGE_CHANGED, now, revision=number)
    return _taken_in(challenge, row)


def step(
    session: Session, *, actor: Actor, slug: str, number: int, to: RevisionState, now: datetime
) -> None:
    """Ask the site to approve a proposal, take that back, or drop it. Doing it again changes nothing.

    Raises ``NotFoundError``, ``NotAllowedError``, and ``ParticipantError`` for a step that there is not.
    """
    challenge = _locked(session, actor, slug)
    row = revisions.find(session, slug, number)
    if to is row.state:
        return
    if to is RevisionState.APPLIED:
        raise ValueError("what is applied is written, too")
    check_revision_step(row.state, to)
    if to is RevisionState.IN_REVIEW:
        _check_base(session, challenge, row)
    if to is RevisionState.DROPPED:
        session.execute(delete(RevisionFile).where(RevisionFile.revision_id == row.id))
    before, row.state = row.state, to
    _note(
        session, actor, challenge, Action.REVISION_STEPPED, now,
        revision=number, before=before.value, state=to.value,
    )  # fmt: skip


def content_to_use(session: Session, *, actor: Actor, slug: str, number: int) -> RevisionContent:
    """Return all of a revision, to apply it or to propose it again.

    Raises ``NotFoundError``, ``NotAllowedError``, and ``ParticipantError`` where its files are no longer kept.
    """
    visible = access.find(session, actor, slug)
    _check(actor, visible.relation)
    row = revisions.find(session, slug, number)
    if row.state is RevisionState.DROPPED:
        raise ParticipantError(NO_FILES, reason="state")
    return revisions.content_of(session, row)


def _try(
    session: Session,
    challenge: Challenge,
    described: Described,
    material: BundleContent,
    resources: Resources,
    *,
    now: datetime,
) -> Trial:
    """Write a bundle, look what that has changed, and take it back."""
    slug, is_approved = challenge.slug, challenge.approved_at is not None
    before = approval_of(session, slug)
    trial = session.begin_nested()
    try:
        _, _, changes = import_bundle.write(
            session, described=described, material=material, resources=resources, now=now
        )
        needs = before.all_differences(approval_of(session, slug)) if is_approved else []
    finally:
        trial.rollback()
    return Trial(changes=changes, needs=tuple(needs))


def _locked(session: Session, actor: Actor, slug: str) -> Challenge:
    challenge = access.lock(session, slug)
    relation = access.relation_of(session, challenge, actor)
    if not permissions.may_operate(actor):
        if not permissions.may_see_challenge(actor, relation):
            raise NotFoundError
        _check(actor, relation)
    access.check_may_change(relation)
    return challenge


def _check(actor: Actor, relation: permissions.ChallengeRelation) -> None:
    if not permissions.may_review(actor, relation):
        raise NotFoundError
    if not permissions.may_organise(actor, relation):
        raise NotAllowedError("Only owners and co-organisers of the challenge can do this.")


def _is_current(session: Session, challenge: Challenge, row: ChallengeRevision) -> bool:
    held = revisions.current(session, challenge.id)
    return held is not None and held.id == row.id


def _check_base(session: Session, challenge: Challenge, row: ChallengeRevision) -> None:
    held = revisions.current(session, challenge.id)
    number = held.number if held else None
    if number != row.base_number:
        raise ParticipantError(STALE.format(held=number, base=row.base_number), reason="stale")


def _same(
    session: Session,
    challenge: Challenge,
    held: ChallengeRevision | None,
    content: RevisionContent,
) -> ChallengeRevision | None:
    """Return the newest proposal, if it is this: a form that is sent twice is one proposal."""
    newest = session.scalar(
        select(ChallengeRevision)
        .where(ChallengeRevision.challenge_id == challenge.id, ChallengeRevision.state.in_(OPEN))
        .order_by(ChallengeRevision.number.desc())
        .limit(1)
    )
    if newest is None or newest.base_number != (held.number if held else None):
        return None
    return newest if revisions.content_of(session, newest) == content else None


def _open(session: Session, challenge: Challenge) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(ChallengeRevision)
            .where(
                ChallengeRevision.challenge_id == challenge.id, ChallengeRevision.state.in_(OPEN)
            )
        )
        or 0
    )


def _taken_in(challenge: Challenge, row: ChallengeRevision) -> TakenIn:
    return TakenIn(
        id=challenge.id,
        slug=challenge.slug,
        is_new=False,
        revision=row.number,
        changes=tuple(row.changes),
    )


def _note(
    session: Session,
    actor: Actor,
    challenge: Challenge,
    action: Action,
    now: datetime,
    **detail: int | str,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        **detail,
    )
