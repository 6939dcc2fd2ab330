"""Letting teams into phases that ask for the organisers' hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import Phase, PhaseAdmission, Standing, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.domain.submissions.admission import Needs
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, PhaseFacts, look_up
from portal.services.leaderboards.team_ranks import board_of
from portal.services.teams import membership

NO_SUCH_PHASE = "Choose a phase that asks for the organisers' hand."
NO_SUCH_TEAM = "There is no such team in this challenge."


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAdmission:
    """A team, whether it is admitted, and whether it has something on the earlier phase's board."""

    team_id: str
    team: str
    admitted_at: datetime | None
    is_on_board: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionsPage:
    """A page of teams: those that are admitted first, then as they stand on the board of the earlier phase."""

    frame: Frame
    phases: tuple[PhaseFacts, ...]
    """Those that can be chosen."""
    phase: PhaseFacts | None
    rows: tuple[TeamAdmission, ...]
    pages: Slice
    may_admit: bool


class _Row(NamedTuple):
    team_id: str
    team: str
    admitted_at: datetime | None
    rank_value: float | None
    total: int


def admissions_page(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    phase_slug: str = "",
    page: int = 1,
    now: datetime,
) -> AdmissionsPage:
    """List teams and whether they are admitted; raise ``NotFoundError`` for whoever does not organise the challenge."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_admit_teams(actor, visible.relation):
        raise NotFoundError
    pairs = [
        (row, facts)
        for row, facts in zip(visible.challenge.phases, visible.frame.phases, strict=True)
        if row.after_needs is Needs.ORGANISERS and phase_slug in {"", row.slug}
    ]
    if phase_slug and not pairs:
        raise NotFoundError
    chosen = pairs[0] if pairs else None
    found = _rows(session, visible.challenge.phases, chosen[0], page) if chosen else []
    if page > 1 and not found:
        raise NotFoundError
    return AdmissionsPage(
        frame=visible.frame,
        phases=tuple(
            one
            for one in visible.frame.phases
            if one.prerequisite and one.prerequisite.needs is Needs.ORGANISERS
        ),
        phase=chosen[1] if chosen else None,
        rows=tuple(
            TeamAdmission(
                team_id=row.team_id,
                team=row.team,
                admitted_at=row.admitted_at,
                is_on_board=row.rank_value is not None,
            )
            for row in found
        ),
        pages=Slice(number=page, total=found[0].total if found else 0),
        may_admit=permissions.may_change(visible.relation),
    )


def decide(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    phase_slug: str,
    team_id: str,
    admits: bool,
    now: datetime,
) -> None:
    """Admit a team to a phase, or take that back; what it has submitted stays. Doing it again changes nothing.

    Raises ``NotFoundError`` for whoever does not organise the challenge, and ``ParticipantError``.
    """
    visible = access.find(session, actor, slug)
    if not permissions.may_admit_teams(actor, visible.relation):
        if permissions.may_review(actor, visible.relation):
            raise NotAllowedError("Only those who organise the challenge admit teams.")
        raise NotFoundError
    access.check_may_change(visible.relation)
    phase = session.scalar(
        select(Phase).where(Phase.challenge_id == visible.challenge.id, Phase.slug == phase_slug)
    )
    if phase is None or phase.after_needs is not Needs.ORGANISERS:
        raise ParticipantError(NO_SUCH_PHASE, reason="phase")
    team = membership.lock_or_none(session, team_id)
    if team is None or team.challenge_id != visible.challenge.id or team.merged_into_id is not None:
        raise ParticipantError(NO_SUCH_TEAM, reason="team")
    row = session.get(PhaseAdmission, (phase.id, team.id))
    if (row is not None) is admits:
        return
    if row is None:
        session.add(
            PhaseAdmission(
                phase_id=phase.id,
                team_id=team.id,
                admitted_by=str(actor.person_id),
                admitted_at=now,
            )
        )
    else:
        session.delete(row)
    audit_log.note(
        session,
        actor=actor,
        action=Action.TEAM_ADMITTED if admits else Action.TEAM_ADMISSION_TAKEN,
        subject=Subject(kind="team", id=team.id),
        challenge_id=visible.challenge.id,
        now=now,
        phase=phase.slug,
    )


def _rows(session: Session, phases: Sequence[Phase], phase: Phase, page: int) -> list[_Row]:
    earlier = next(one for one in phases if one.slug == phase.after_slug)
    board = board_of(session, earlier)
    on_board = (Standing.board_id == (board.id if board else None)) & (Standing.place == 0)
    rows = session.execute(
        select(
            Team.id,
            Team.name,
            PhaseAdmission.admitted_at,
            Standing.rank_value,
            func.count().over(),
        )
        .outerjoin(
            PhaseAdmission,
            (PhaseAdmission.team_id == Team.id) & (PhaseAdmission.phase_id == phase.id),
        )
        .outerjoin(Standing, (Standing.team_id == Team.id) & on_board)
        .where(
            Team.challenge_id == phase.challenge_id, Team.merged_into_id.is_(None), ~Team.is_dry_run
        )
        .order_by(
            PhaseAdmission.admitted_at.is_(None),
            Standing.rank_value.desc().nulls_last(),
            Team.name,
            Team.id,
        )
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    )
    return [_Row(*row) for row in rows]
