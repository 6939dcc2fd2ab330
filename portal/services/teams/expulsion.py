"""Organisers put people out of their challenge, and let them in again: removing, banning, lifting a ban."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import (
    NOT_A_RERUN,
    Evaluation,
    Invitation,
    Membership,
    MergeRequest,
    Organiser,
    Participation,
    Person,
    Submission,
    SubmissionMark,
    Team,
)
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import Mark
from portal.domain.submissions.cancellation import Cost
from portal.domain.teams.expulsion import clean_contact, clean_reason, ends_evaluations
from portal.domain.teams.membership_rules import MergeState, ParticipationState
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.mail import queue as mail_queue
from portal.services.submissions import cancellation, marks
from portal.services.teams import membership, teams

MARKS = (Mark.HIDDEN, Mark.DISQUALIFIED, Mark.UNRANKED)
"""What a ban can mark the person's submissions as."""
WHY_MARKED = "The organisers have banned the person who submitted this."

_FINAL = tuple(state for state in EvaluationState if state.is_final)


def remove(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    person_id: str,
    reason: str,
    now: datetime,
    by_mail: bool = False,
) -> None:
    """Put somebody out who takes part; they may join or ask again. Idempotent.

    What runs for them ends by itself. ``by_mail``: they are informed, unless they do not want to be. Raises
    ``NotFoundError``, and ``ParticipantError`` without a reason or for somebody who works for the challenge.
    """
    row = _locked(session, actor, slug, person_id)
    said = clean_reason(reason)
    if row.state is ParticipationState.REMOVED:
        return
    if row.state is not ParticipationState.ADMITTED:
        raise ParticipantError("This person does not take part: there is nothing to remove.")
    _check_no_role(session, row)
    _put_out(session, actor, row, ParticipationState.REMOVED, said, "", now)
    _leave_team(session, row, now)
    _note(session, actor, Action.PARTICIPANT_REMOVED, row, now)
    if by_mail:
        mail_queue.decided(session, row, now=now)


def ban(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    person_id: str,
    reason: str,
    contact: str = "",
    mark: Mark | None = None,
    now: datetime,
    by_mail: bool = False,
) -> None:
    """Let somebody neither join nor submit until the ban is lifted; again, it changes reason and contact only.

    What runs for a team in which nobody else is is cancelled, and costs nothing. ``mark`` is made on what the person
    submitted. Raises ``NotFoundError``, and ``ParticipantError`` whose reason names the field.
    """
    row = _locked(session, actor, slug, person_id)
    said, whom = clean_reason(reason), clean_contact(contact)
    _check_no_role(session, row)
    if mark is not None and mark not in MARKS:
        raise ParticipantError("Choose one of these marks.", reason="mark")
    is_new = row.state is not ParticipationState.BANNED
    if is_new:
        row.before_ban = row.state
    elif (row.reason, row.contact) == (said, whom) and mark is None:
        return
    _put_out(session, actor, row, ParticipationState.BANNED, said, whom, now)
    team = _leave_team(session, row, now) if is_new else None
    if team is not None:
        _cancel_all_of(session, actor, team, now)
    marked = _mark_all(session, actor, row, mark, now) if mark else None
    made = mark.value if mark else None
    _note(session, actor, Action.PARTICIPANT_BANNED, row, now, mark=made, marked=marked)
    if by_mail and is_new:
        mail_queue.decided(session, row, now=now)


def lift(
    session: Session, *, actor: Actor, slug: str, person_id: str, now: datetime
) -> ParticipationState:
    """Take a ban back: the person is as far with taking part as before, which is returned. Idempotent.

    A team with others that they were taken out of has to invite them again; marks stay until they are taken off.
    """
    row = _locked(session, actor, slug, person_id)
    if row.state is not ParticipationState.BANNED:
        return row.state
    row.state = row.before_ban or ParticipationState.REMOVED
    row.before_ban, row.reason, row.contact = None, "", ""
    row.decided_at, row.decided_by = now, actor.person_id
    _note(session, actor, Action.BAN_LIFTED, row, now)
    return row.state


def _locked(session: Session, actor: Actor, slug: str, person_id: str) -> Participation:
    """Return how far a person is, locked; whoever is in a team and has nothing written takes part."""
    visible = access.find(session, actor, slug)
    if not permissions.may_manage_participants(actor, visible.relation):
        raise NotFoundError
    access.check_may_change(visible.relation)
    key = (visible.challenge.id, person_id)
    row = session.get(Participation, key, with_for_update=True)
    if row is None:
        row = _written_now(session, *key)
    person = session.get(Person, person_id)
    if person is None or person.deleted_at is not None:
        raise ParticipantError("This person has had their data deleted: they act here no longer.")
    return row


def _written_now(session: Session, challenge_id: str, person_id: str) -> Participation:
    joined_at = session.scalar(
        select(Membership.joined_at).where(
            Membership.challenge_id == challenge_id, Membership.person_id == person_id
        )
    )
    if joined_at is None:
        raise NotFoundError
    made = Participation(
        challenge_id=challenge_id,
        person_id=person_id,
        state=ParticipationState.ADMITTED,
        asked_at=joined_at,
    )
    insert_if_absent(session, made)
    return session.get_one(
        Participation, (challenge_id, person_id), with_for_update=True, populate_existing=True
    )


def _check_no_role(session: Session, row: Participation) -> None:
    if session.get(Organiser, (row.challenge_id, row.person_id)) is not None:
        raise ParticipantError(
            "This person works for the challenge. An owner takes the role away first.",
            reason="has_role",
        )


def _put_out(
    session: Session,
    actor: Actor,
    row: Participation,
    to: ParticipationState,
    reason: str,
    contact: str,
    now: datetime,
) -> None:
    row.state, row.reason, row.contact = to, reason, contact
    row.decided_at, row.decided_by = now, actor.person_id
    session.flush()


def _leave_team(session: Session, row: Participation, now: datetime) -> Team | None:
    """Take the person out of a team in which others are; return the team whose runs are to be cancelled.

    Frozen rosters do not matter: organisers decide. Nobody gets into a team through what the person had begun.
    """
    found = teams.team_of(session, challenge_id=row.challenge_id, person_id=row.person_id)
    if found is None:
        return None
    team = membership.lock(session, found.id)
    members = membership.members_of(session, team.id)
    if row.person_id not in members:
        raise ParticipantError("The person's team has changed at this moment. Try again.")
    links = [Invitation.team_id == team.id, Invitation.withdrawn_at.is_(None)]
    if len(members) > 1:
        links.append(Invitation.created_by == row.person_id)
        membership.take_out(session, row.person_id, team, now)
    else:
        _end_mergers(session, team.id, now)
    session.execute(update(Invitation).where(*links).values(withdrawn_at=now))
    is_ban = row.state is ParticipationState.BANNED
    return team if ends_evaluations(len(members), is_ban=is_ban) else None


def _end_mergers(session: Session, team_id: str, now: datetime) -> None:
    session.execute(
        update(MergeRequest)
        .where(
            MergeRequest.state == MergeState.ASKED,
            or_(MergeRequest.from_team_id == team_id, MergeRequest.to_team_id == team_id),
        )
        .values(state=MergeState.WITHDRAWN, decided_at=now)
    )


def _cancel_all_of(session: Session, actor: Actor, team: Team, now: datetime) -> None:
    """Cancel what of a team has not ended, as an organiser does: it costs nothing that was not used."""
    session.flush()
    unfinished = session.scalars(
        select(Submission.id)
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .where(Submission.team_id == team.id, NOT_A_RERUN, Evaluation.state.not_in(_FINAL))
        .order_by(Submission.id)
        .distinct()
    ).all()
    for submission_id in unfinished:
        cancellation.cancel(
            session, actor=actor, submission_id=submission_id, shown=Cost.COUNTS, now=now
        )


def _mark_all(session: Session, actor: Actor, row: Participation, mark: Mark, now: datetime) -> int:
    """Mark what a person submitted; what was verified is not any more. Return how many submissions."""
    has_it = select(SubmissionMark.mark).where(
        SubmissionMark.submission_id == Submission.id, SubmissionMark.mark == mark
    )
    found = session.scalars(
        select(Submission.id)
        .where(
            Submission.challenge_id == row.challenge_id,
            Submission.person_id == row.person_id,
            Submission.is_smoke.is_(False),
            ~has_it.exists(),
        )
        .order_by(Submission.id)
    ).all()
    for submission_id in found:
        if mark is not Mark.UNRANKED:
            marks.unmark(
                session,
                actor=actor,
                submission_id=submission_id,
                mark=Mark.VERIFIED,
                reason=WHY_MARKED,
                now=now,
            )
        marks.mark(
            session, actor=actor, submission_id=submission_id, mark=mark, reason=WHY_MARKED, now=now
        )
    return len(found)


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    row: Participation,
    now: datetime,
    **detail: str | int | None,
) -> None:
    # Without the reason: what is written of a person does not stay for ever.
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="person", id=row.person_id),
        challenge_id=row.challenge_id,
        now=now,
        **detail,
    )
