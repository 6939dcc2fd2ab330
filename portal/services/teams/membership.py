"""Who is in which team: joining one, leaving it, and what it is called."""

from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import (
    Challenge,
    ExtraTries,
    Invitation,
    Membership,
    MergeRequest,
    PastMembership,
    Phase,
    PhaseAdmission,
    Submission,
    Team,
)
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.teams.membership_rules import check_frozen, check_size, team_name
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.leaderboards import standings
from portal.services.teams import teams


def own_team(session: Session, actor: Actor, slug: str) -> tuple[Challenge, Team]:
    """Return an open challenge and the actor's team in it, whose row is locked; raise as ``find_open`` does."""
    challenge, team = find_open(session, actor, slug)
    return challenge, lock_own(session, actor, team.id)


def find_open(session: Session, actor: Actor, slug: str) -> tuple[Challenge, Team]:
    """Return a challenge and the actor's team in it, as long as teams may change.

    Raises ``NotFoundError``, and ``NotAllowedError`` where the challenge is over.
    """
    challenge, team = find_own(session, actor, slug)
    relation = access.relation_of(session, challenge, actor)
    if not relation.is_open or relation.banned:
        raise access.not_now(relation, "change the team")
    return challenge, team


def find_own(session: Session, actor: Actor, slug: str) -> tuple[Challenge, Team]:
    """Return a challenge and the actor's team in it. Raises ``NotFoundError``."""
    found = session.execute(
        select(Challenge, Team)
        .join(Team, Team.challenge_id == Challenge.id)
        .join(Membership, Membership.team_id == Team.id)
        .where(Challenge.slug == slug, Membership.person_id == actor.person_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError
    challenge, team = found
    return challenge, team


def lock_own(session: Session, actor: Actor, team_id: str) -> Team:
    """Lock the row of a team, and make sure that the actor still is in it."""
    team = lock(session, team_id)
    if not permissions.may_change_team(actor, set(members_of(session, team_id))):
        raise NotFoundError
    return team


def lock(session: Session, team_id: str) -> Team:
    """Lock a team's row, so that changes of its roster wait for each other, and read it anew.

    Raises ``NotFoundError`` if it is gone.
    """
    team = lock_or_none(session, team_id)
    if team is None:
        raise NotFoundError
    return team


def lock_or_none(session: Session, team_id: str) -> Team | None:
    """Lock a team's row and read it anew; None if it is gone."""
    # key_share: rows that refer to the team can still be written.
    return session.get(Team, team_id, with_for_update={"key_share": True}, populate_existing=True)


def members_of(session: Session, team_id: str) -> list[str]:
    """List the account numbers of a team's members, the longest in it first."""
    return list(
        session.scalars(
            select(Membership.person_id)
            .where(Membership.team_id == team_id)
            .order_by(Membership.joined_at, Membership.person_id)
        )
    )


def count_submissions(session: Session, team_id: str) -> int:
    """Count the submissions of a team that count against its limits."""
    statement = select(func.count()).where(Submission.team_id == team_id, Submission.counts)
    return session.scalar(statement) or 0


def has_submitted(session: Session, team_id: str) -> bool:
    """Whether a team has submitted anything at all, now or before it merged."""
    mine = or_(Submission.team_id == team_id, Submission.first_team_id == team_id)
    return session.scalar(select(Submission.id).where(mine).limit(1)) is not None


def join(
    session: Session, *, actor: Actor, challenge: Challenge, team_id: str, now: datetime
) -> None:
    """Put the actor into a team, out of the one in which they are alone and nothing counts yet.

    Raises ``ParticipantError`` where rosters are frozen, the team is full, or the actor has another
    team: one that has submitted merges, and one with others in it is left first.
    """
    check_frozen(challenge.rosters_freeze_at, now=now)
    # Whoever makes a team of one waits for this row as well: nobody gets into two at once.
    session.get_one(Challenge, challenge.id, with_for_update={"key_share": True})
    before = teams.team_of(session, challenge_id=challenge.id, person_id=str(actor.person_id))
    if before is not None and before.id == team_id:
        return
    for one in sorted({team_id, before.id} if before else {team_id}):
        lock(session, one)
    if before is not None:
        _leave_the_old(session, actor, before, now)
    check_size(len(members_of(session, team_id)) + 1, challenge.team_size)
    session.add(
        Membership(
            team_id=team_id,
            person_id=str(actor.person_id),
            challenge_id=challenge.id,
            joined_at=now,
        )
    )
    session.flush()
    standings.follow_members(session, challenge.id, team_id)
    _note(session, actor, Action.TEAM_JOINED, challenge.id, team_id, now)


def leave(session: Session, *, actor: Actor, slug: str, now: datetime) -> None:
    """Take the actor out of their team; what it has used of its limits stays with it."""
    challenge, team = own_team(session, actor, slug)
    check_frozen(challenge.rosters_freeze_at, now=now)
    members = members_of(session, team.id)
    if len(members) == 1 and has_submitted(session, team.id):
        raise ParticipantError(
            "You are the only member, and the team has submitted: its submissions stay yours. "
            "Ask another team to merge instead.",
            reason="last",
        )
    take_out(session, str(actor.person_id), team, now)
    if len(members) == 1:
        dissolve(session, team)
    standings.follow_members(session, challenge.id, team.id)
    _note(session, actor, Action.TEAM_LEFT, challenge.id, team.id, now)


def rename(session: Session, *, actor: Actor, slug: str, name: str, now: datetime) -> None:
    """Give the actor's team a name of its own, until the last phase has ended."""
    challenge, team = find_open(session, actor, slug)
    # Names of a challenge are given one after the other, so that no two become the same; whoever
    # gives names locks the challenge before the team.
    session.get_one(Challenge, challenge.id, with_for_update={"key_share": True})
    lock_own(session, actor, team.id)
    last = session.scalar(select(func.max(Phase.ends_at)).where(Phase.challenge_id == challenge.id))
    if last is not None and now >= last:
        raise ParticipantError("The challenge is over: names stay as they are.", reason="name")
    wish = team_name(name)
    if wish != team.name and teams.is_taken(session, challenge.id, wish, besides=team.id):
        raise ParticipantError(
            "Another team of this challenge has this name, or one that looks like it. Choose a name that"
            " differs in more than case, the script, blanks or similar letters.",
            reason="name",
        )
    team.named_after = None
    if wish != team.name:
        team.name = wish
    session.flush()
    _note(session, actor, Action.TEAM_RENAMED, challenge.id, team.id, now)


def take_out(session: Session, person_id: str, team: Team, now: datetime) -> None:
    """Take a person out of a team whose row is locked; that they were in it is kept."""
    row = session.get_one(Membership, (team.id, person_id))
    session.add(
        PastMembership(
            id=new_id(now),
            team_id=team.id,
            challenge_id=team.challenge_id,
            person_id=row.person_id,
            joined_at=row.joined_at,
            left_at=now,
        )
    )
    session.delete(row)
    session.flush()


def dissolve(session: Session, team: Team) -> None:
    """Delete a team without members that has submitted nothing, and those that merged into it."""
    for merged in session.scalars(select(Team).where(Team.merged_into_id == team.id)).all():
        dissolve(session, merged)
    session.execute(delete(Invitation).where(Invitation.team_id == team.id))
    session.execute(
        delete(MergeRequest).where(
            (MergeRequest.from_team_id == team.id) | (MergeRequest.to_team_id == team.id)
        )
    )
    session.execute(delete(PhaseAdmission).where(PhaseAdmission.team_id == team.id))
    session.execute(delete(ExtraTries).where(ExtraTries.team_id == team.id))
    session.execute(delete(PastMembership).where(PastMembership.team_id == team.id))
    session.delete(team)
    session.flush()


def _leave_the_old(session: Session, actor: Actor, team: Team, now: datetime) -> None:
    members = members_of(session, team.id)
    if actor.person_id not in members:
        raise ParticipantError("Your team has changed at this moment. Try again.")
    if len(members) > 1:
        raise ParticipantError(
            f"You are in the team {team.name} together with others. Leave it first, or ask for a "
            "merger on its page.",
            reason="merge",
        )
    if count_submissions(session, team.id):
        raise ParticipantError(
            f"Your team {team.name} has submitted. Ask for a merger on its page instead.",
            reason="merge",
        )
    take_out(session, str(actor.person_id), team, now)
    if not has_submitted(session, team.id):
        dissolve(session, team)


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    challenge_id: str,
    team_id: str,
    now: datetime,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="team", id=team_id),
        challenge_id=challenge_id,
        now=now,
    )
