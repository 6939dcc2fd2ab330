"""Tries that organisers give a team in a phase beside its limits: used where a limit has no room, and by nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import Challenge, ExtraTries, Phase, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.leaderboards.marks import clean_reason
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.domain.submissions.limits import check_extra_tries
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.submissions.idempotency import key_of
from portal.services.teams import membership, teams

_WHOLE = (
    joinedload(ExtraTries.phase),
    joinedload(ExtraTries.team),
    joinedload(ExtraTries.person),
)
NO_SUCH_TEAM = "No team of this challenge has this name."
NO_SUCH_PHASE = "Choose one of the phases of this challenge."
OTHER_ONE = "This Idempotency-Key was used to give other tries. Choose a new key for each time you give some."


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTries:
    """Tries that were given, as their team sees them."""

    id: str
    phase: str
    phase_slug: str
    number: int
    reason: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTries:
    """The same for organisers."""

    given: GivenTries
    team_id: str
    team: str
    by: str
    """What to call whoever gave them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriesPage:
    """A page of what was given in a challenge, the newest first."""

    frame: Frame
    rows: tuple[ListedTries, ...]
    pages: Slice
    may_give: bool


def tries_page(
    session: Session, *, actor: Actor, slug: str, page: int = 1, now: datetime
) -> TriesPage:
    """List what was given; raise ``NotFoundError`` for whoever does not organise the challenge."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_give_tries(actor, visible.relation):
        raise NotFoundError
    mine = (
        select(ExtraTries)
        .join(Phase, Phase.id == ExtraTries.phase_id)
        .where(Phase.challenge_id == visible.challenge.id)
    )
    rows = session.scalars(
        mine.options(*_WHOLE)
        .order_by(ExtraTries.id.desc())
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    ).all()
    if page > 1 and not rows:
        raise NotFoundError
    total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    return TriesPage(
        frame=visible.frame,
        rows=tuple(_listed(row) for row in rows),
        pages=Slice(number=page, total=total),
        may_give=permissions.may_change(visible.relation),
    )


def of_team(session: Session, team_id: str | None) -> tuple[GivenTries, ...]:
    """Return what a team was given, the newest first; nothing where there is no team yet."""
    if team_id is None:
        return ()
    rows = session.scalars(
        select(ExtraTries)
        .where(ExtraTries.team_id == team_id)
        .options(joinedload(ExtraTries.phase))
        .order_by(ExtraTries.id.desc())
    )
    return tuple(map(_given, rows))


def team_named(session: Session, *, actor: Actor, slug: str, name: str) -> str:
    """Return the id of a team by its name on boards, for whoever may give it tries; raise as ``give`` does."""
    found = teams.named(session, _found(session, actor, slug).id, name)
    if found is None:
        raise ParticipantError(NO_SUCH_TEAM, reason="team")
    return found


def give(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    phase_slug: str,
    team_id: str,
    number: int,
    reason: str,
    once: str = "",
    now: datetime,
) -> ListedTries:
    """Give a team tries in a phase, also in one that is over or is still to come.

    With ``once``, a key of the actor's, this is idempotent. Raises ``NotFoundError`` for whoever does not organise the
    challenge, and ``ParticipantError`` whose reason names the field.
    """
    challenge = _found(session, actor, slug)
    phase = session.scalar(
        select(Phase).where(Phase.challenge_id == challenge.id, Phase.slug == phase_slug)
    )
    if phase is None:
        raise ParticipantError(NO_SUCH_PHASE, reason="phase")
    check_extra_tries(number)
    said = clean_reason(reason)
    team = _locked_team(session, challenge.id, team_id)
    key = key_of(actor, f"tries {once}" if once else "")
    if before := _made_with(session, key):
        if (before.phase_id, before.team_id, before.number, before.reason) != (
            (phase.id, team.id, number, said)
        ):
            raise ParticipantError(OTHER_ONE, reason="idempotency_key")
        return _listed(before)
    row = ExtraTries(
        id=new_id(now),
        phase_id=phase.id,
        team_id=team.id,
        number=number,
        reason=said,
        given_by=str(actor.person_id),
        given_at=now,
        once_sha256=key,
    )
    session.add(row)
    session.flush()
    audit_log.note(
        session,
        actor=actor,
        action=Action.TRIES_GIVEN,
        subject=Subject(kind="team", id=team.id),
        challenge_id=challenge.id,
        now=now,
        phase=phase.slug,
        number=number,
        reason=said,
    )
    return _listed(session.scalars(_of(ExtraTries.id == row.id)).one())


def most_given(session: Session, phase_ids: Sequence[str]) -> dict[str, int]:
    """Return how many tries the team that was given most has, by the phase."""
    by_team = (
        select(ExtraTries.phase_id, func.sum(ExtraTries.number).label("number"))
        .where(ExtraTries.phase_id.in_(phase_ids))
        .group_by(ExtraTries.phase_id, ExtraTries.team_id)
        .subquery()
    )
    rows = session.execute(
        select(by_team.c.phase_id, func.max(by_team.c.number)).group_by(by_team.c.phase_id)
    )
    return {phase_id: int(number) for phase_id, number in rows}


def _found(session: Session, actor: Actor, slug: str) -> Challenge:
    visible = access.find(session, actor, slug)
    if not permissions.may_give_tries(actor, visible.relation):
        if permissions.may_review(actor, visible.relation):
            raise NotAllowedError("Only those who organise the challenge give tries.")
        raise NotFoundError
    access.check_may_change(visible.relation)
    return visible.challenge


def _locked_team(session: Session, challenge_id: str, team_id: str) -> Team:
    """Lock the team as submitting does, so that what is left is counted before or after this, and not meanwhile."""
    team = membership.lock_or_none(session, team_id)
    if team is not None and team.merged_into_id is not None:
        team = membership.lock_or_none(session, team.merged_into_id)
    if team is None or team.challenge_id != challenge_id:
        raise ParticipantError(NO_SUCH_TEAM, reason="team")
    return team


def _made_with(session: Session, key: str | None) -> ExtraTries | None:
    return session.scalar(_of(ExtraTries.once_sha256 == key)) if key else None


def _of(which: ColumnElement[bool]) -> Select[ExtraTries]:
    return (
        select(ExtraTries).where(which).options(*_WHOLE).execution_options(populate_existing=True)
    )


def _given(row: ExtraTries) -> GivenTries:
    return GivenTries(
        id=row.id,
        phase=row.phase.title,
        phase_slug=row.phase.slug,
        number=row.number,
        reason=row.reason,
        given_at=row.given_at,
    )


def _listed(row: ExtraTries) -> ListedTries:
    return ListedTries(
        given=_given(row), team_id=row.team_id, team=row.team.name, by=row.person.names.own
    )
