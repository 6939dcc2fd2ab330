"""Deciding on a page what is to become of something that needs a person; a worker does it.

The web process reads what the worker wrote down and changes none of it: its wish is a row of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import Challenge, Decision
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.attention.decisions import Choice
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, OperatorError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.pagination import PAGE_SIZE
from portal.domain.permissions import ChallengeRelation
from portal.services.attention import resolution
from portal.services.attention import views as attention_views
from portal.services.attention.views import Attention
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.evaluations import images
from portal.services.evaluations.images import NeededImage

log = structlog.get_logger("sealrun.worker")

_ACTIONS = {
    Choice.RETRY: Action.TROUBLE_RETRIED,
    Choice.FREE: Action.TROUBLE_GIVEN_UP,
    Choice.COUNT: Action.TROUBLE_GIVEN_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengePage:
    """What needs a person in one challenge."""

    frame: Frame
    rows: tuple[Attention, ...]
    images: tuple[NeededImage, ...]


def of_site(session: Session, *, actor: Actor) -> list[Attention]:
    """List what needs attention on the whole site, for staff, as much as fits a page. Raises ``NotFoundError``."""
    if not permissions.may_resolve(actor, None):
        raise NotFoundError
    return attention_views.listed(session, at_most=PAGE_SIZE)


def of_challenge(session: Session, *, actor: Actor, slug: str, now: datetime) -> ChallengePage:
    """List what needs attention in a challenge, for whoever organises it. Raises ``NotFoundError``."""
    found = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_resolve(actor, found.relation):
        raise NotFoundError
    rows = attention_views.listed(session, challenge_id=found.challenge.id, at_most=PAGE_SIZE)
    needed = images.of_challenge(session, found.challenge.id)
    return ChallengePage(frame=found.frame, rows=tuple(rows), images=tuple(needed))


def decide(
    session: Session, *, actor: Actor, wanted: str, choice: str, alike: bool, now: datetime
) -> Attention:
    """Write down what is to be done; deciding again before it is done changes the wish.

    Raises ``NotFoundError`` for what the actor may not decide about, or what needs nobody any more, and
    ``NotAllowedError`` where the challenge is archived.
    """
    found = next((one for one in attention_views.listed(session) if one.id == wanted), None)
    if found is None:
        raise NotFoundError
    relation = _relation(session, actor, found)
    if not permissions.may_resolve(actor, relation):
        raise NotFoundError
    _check_may_change(relation, found)
    if choice not in found.choices:
        raise ParticipantError("That cannot be done with it.", reason="choice")
    chosen = Choice(choice)
    row = Decision(id=new_id(now), subject=wanted, choice=chosen, alike=alike, made_at=now)
    if not insert_if_absent(session, row):
        known = session.scalars(
            select(Decision).where(Decision.subject == wanted).with_for_update()
        ).one()
        known.choice, known.alike = chosen, alike
    _note(session, actor, found, chosen, alike=alike, now=now)
    return found


def resolve_now(
    session: Session, *, actor: Actor, wanted: str, choice: Choice, alike: bool, now: datetime
) -> int:
    """Do at once what an operator decided; return about how many things it was.

    Raises ``OperatorError``, and ``NotAllowedError`` where the challenge is archived.
    """
    found = next((one for one in attention_views.listed(session) if one.id == wanted), None)
    if found is not None:
        _check_may_change(_relation(session, actor, found), found)
    number = resolution.resolve(session, wanted=wanted, choice=choice, alike=alike, now=now)
    if found is not None:
        _note(session, actor, found, choice, alike=alike, now=now)
    return number


def waiting(session: Session) -> Sequence[str]:
    """Return the ids of what was decided and is still to be done, oldest first."""
    return session.scalars(select(Decision.id).order_by(Decision.id)).all()


def carry_out(session: Session, decision_id: str, *, now: datetime) -> None:
    """Do what was decided; what needs nobody any more is left as it is."""
    row = session.get(Decision, decision_id, with_for_update=True)
    if row is None:
        return
    try:
        resolution.resolve(session, wanted=row.subject, choice=row.choice, alike=row.alike, now=now)
    except OperatorError as problem:
        log.info("decision_too_late", subject=row.subject, problem=str(problem))
    session.delete(row)


def _relation(session: Session, actor: Actor, found: Attention) -> ChallengeRelation | None:
    challenge = session.get(Challenge, found.challenge_id) if found.challenge_id else None
    return access.relation_of(session, challenge, actor) if challenge else None


def _check_may_change(relation: ChallengeRelation | None, found: Attention) -> None:
    """Refuse what would change a submission of an archived challenge; an image may be another challenge's too."""
    if relation is not None and found.submission_id is not None:
        access.check_may_change(relation)


def _note(
    session: Session, actor: Actor, found: Attention, choice: Choice, *, alike: bool, now: datetime
) -> None:
    """Let the audit log say who decided what."""
    submission = found.submission_id
    audit_log.note(
        session,
        actor=actor,
        action=_ACTIONS[choice],
        subject=Subject(kind="submission", id=submission)
        if submission
        else Subject(kind="work", id=found.id),
        challenge_id=found.challenge_id,
        now=now,
        what=found.id,
        choice=choice.value,
        number=found.number if alike else 1,
        problem=found.problem.partition("\n")[0][:500],
    )
