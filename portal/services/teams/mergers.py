"""Two teams become one: one asks, the other accepts, and the limits must allow it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.db.tables import (
    Challenge,
    ExtraTries,
    Invitation,
    Membership,
    MergeRequest,
    Phase,
    PhaseAdmission,
    Pick,
    Standing,
    Submission,
    Team,
    Weights,
)
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import (
    MergeState,
    PhaseUse,
    check_frozen,
    check_merge,
    check_size,
)
from portal.services.audit import log as audit_log
from portal.services.leaderboards import standings
from portal.services.submissions import quota
from portal.services.teams import membership, teams


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    challenge: Challenge
    asking: Team
    """The team that becomes part of the other."""
    staying: Team


def ask(session: Session, *, actor: Actor, slug: str, name: str, now: datetime) -> None:
    """Ask that the actor's team become part of the team of that name.

    What would stand in the way is said now, and checked again when the other team accepts.
    """
    challenge, team = membership.own_team(session, actor, slug)
    other_id = teams.named(session, challenge.id, name)
    if other_id is None:
        raise ParticipantError("No team of this challenge has this name.", reason="team")
    if other_id == team.id:
        raise ParticipantError("This is your own team.", reason="team")
    other = session.get_one(Team, other_id)
    _check(session, _Pair(challenge=challenge, asking=team, staying=other), now)
    if _asked(session, team.id, other.id):
        return
    row = MergeRequest(
        id=new_id(now),
        from_team_id=team.id,
        to_team_id=other.id,
        state=MergeState.ASKED,
        asked_by=str(actor.person_id),
        asked_at=now,
    )
    session.add(row)
    _note(session, actor, Action.MERGE_ASKED, challenge.id, row, now)


def accept(session: Session, *, actor: Actor, slug: str, request_id: str, now: datetime) -> None:
    """Take the asking team into the actor's: members, submissions and standings, all at once."""
    challenge, team = membership.find_open(session, actor, slug)
    asked = session.get(MergeRequest, request_id)
    if asked is None or asked.to_team_id != team.id:
        raise NotFoundError
    # Both rows, always in the same order, so that two mergers never wait for each other.
    locked = {one: membership.lock(session, one) for one in sorted({asked.from_team_id, team.id})}
    asking, staying = locked[asked.from_team_id], membership.lock_own(session, actor, team.id)
    row = _open(session, request_id)
    if asking.merged_into_id is not None or staying.merged_into_id is not None:
        raise ParticipantError("One of the two teams has merged with another meanwhile.")
    pair = _Pair(challenge=challenge, asking=asking, staying=staying)
    _check(session, pair, now)
    _unite(session, pair, now)
    row.state, row.decided_by, row.decided_at = MergeState.ACCEPTED, actor.person_id, now
    _note(session, actor, Action.MERGE_ACCEPTED, challenge.id, row, now)


def decline(session: Session, *, actor: Actor, slug: str, request_id: str, now: datetime) -> None:
    """Say no to a team that asks."""
    challenge, team = membership.own_team(session, actor, slug)
    row = _open(session, request_id)
    if row.to_team_id != team.id:
        raise NotFoundError
    row.state, row.decided_by, row.decided_at = MergeState.DECLINED, actor.person_id, now
    _note(session, actor, Action.MERGE_DECLINED, challenge.id, row, now)


def withdraw(session: Session, *, actor: Actor, slug: str, request_id: str, now: datetime) -> None:
    """Take the own team's wish back."""
    challenge, team = membership.own_team(session, actor, slug)
    row = _open(session, request_id)
    if row.from_team_id != team.id:
        raise NotFoundError
    row.state, row.decided_by, row.decided_at = MergeState.WITHDRAWN, actor.person_id, now
    _note(session, actor, Action.MERGE_WITHDRAWN, challenge.id, row, now)


def _check(session: Session, pair: _Pair, now: datetime) -> None:
    check_frozen(pair.challenge.rosters_freeze_at, now=now)
    sizes = [len(membership.members_of(session, one.id)) for one in (pair.asking, pair.staying)]
    check_size(sum(sizes), pair.challenge.team_size)
    phases = session.scalars(
        select(Phase).where(Phase.challenge_id == pair.challenge.id).order_by(Phase.position)
    )
    check_merge(
        [
            PhaseUse(
                title=phase.title,
                starts_at=phase.starts_at,
                ends_at=phase.ends_at,
                limits=quota.limits_of(phase),
                used=(
                    quota.used(session, phase, pair.asking.id, now=now).total,
                    quota.used(session, phase, pair.staying.id, now=now).total,
                ),
            )
            for phase in phases
        ],
        now=now,
    )


def _unite(session: Session, pair: _Pair, now: datetime) -> None:
    asking, staying = pair.asking, pair.staying
    # Results that come in at this moment wait for these rows, and then find the new team.
    both = select(Submission.id).where(Submission.team_id.in_((asking.id, staying.id)))
    session.execute(both.order_by(Submission.id).with_for_update()).all()
    # What the staying team has chosen stays chosen: both together could be more than a board has room for.
    theirs = select(Submission.id).where(Submission.team_id == asking.id)
    session.execute(delete(Pick).where(Pick.submission_id.in_(theirs)))
    session.execute(
        update(Submission)
        .where(Submission.team_id == asking.id, Submission.first_team_id.is_(None))
        .values(first_team_id=asking.id)
    )
    session.execute(
        update(Submission).where(Submission.team_id == asking.id).values(team_id=staying.id)
    )
    session.execute(update(Weights).where(Weights.team_id == asking.id).values(team_id=staying.id))
    _unite_admissions(session, asking.id, staying.id)
    session.execute(
        update(ExtraTries).where(ExtraTries.team_id == asking.id).values(team_id=staying.id)
    )
    session.execute(
        update(Membership)
        .where(Membership.team_id == asking.id)
        .values(team_id=staying.id, joined_at=now)
    )
    session.execute(
        update(Invitation)
        .where(Invitation.team_id == asking.id, Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    session.execute(delete(Standing).where(Standing.team_id == asking.id))
    asking.merged_into_id = staying.id
    # The name is free again for others; who the team was stays readable. It still follows the name
    # of the person it is named after, who may have their data deleted.
    asking.name = teams.merged_name(asking, asking.name)
    session.flush()
    standings.rebuild_team(session, staying.id)


def _unite_admissions(session: Session, asking_id: str, staying_id: str) -> None:
    """Let the one team be admitted wherever one of the two was."""
    has = select(PhaseAdmission.phase_id).where(PhaseAdmission.team_id == staying_id)
    mine = PhaseAdmission.team_id == asking_id
    session.execute(delete(PhaseAdmission).where(mine, PhaseAdmission.phase_id.in_(has)))
    session.execute(update(PhaseAdmission).where(mine).values(team_id=staying_id))


def _asked(session: Session, from_team: str, to_team: str) -> bool:
    statement = select(MergeRequest.id).where(
        MergeRequest.from_team_id == from_team,
        MergeRequest.to_team_id == to_team,
        MergeRequest.state == MergeState.ASKED,
    )
    return session.scalar(statement.limit(1)) is not None


def _open(session: Session, request_id: str) -> MergeRequest:
    row = session.get(MergeRequest, request_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError
    if row.state is not MergeState.ASKED:
        raise ParticipantError("This has been decided already.")
    return row


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    challenge_id: str,
    row: MergeRequest,
    now: datetime,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="team", id=row.from_team_id),
        challenge_id=challenge_id,
        now=now,
        with_team=row.to_team_id,
    )
