"""What organisers see of those who take part, for programs."""

from typing import Annotated

from fastapi import Query

from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import (
    admissions,
    expulsion,
    joining,
    participation_lists,
    team_lists,
)
from portal.services.teams.participation_lists import ListedPerson
from portal.services.teams.team_lists import ListedTeam
from portal.web.api import models
from portal.web.api.calls import Call, Organising, PageNumber, PersonId, Slug


def teams(call: Organising, slug: Slug, page: PageNumber = 1) -> models.Teams:
    """List the teams of a challenge that you organise."""
    found = call.read(
        team_lists.team_list,
        actor=call.actor,
        slug=slug,
        page=page,
        now=call.now,
    )
    return models.Teams(
        items=[_team(row) for row in found.rows],
        **call.place(found.pages),
    )


def participants(
    call: Organising,
    slug: Slug,
    state: Annotated[ParticipationState | None, Query(description="All without.")] = None,
    q: Annotated[str, Query(max_length=200, description="Part of a name.")] = "",
    page: PageNumber = 1,
) -> models.Participants:
    """List who takes part in a challenge that you organise, and who wants to."""
    found = call.read(
        participation_lists.participation_list,
        actor=call.actor,
        slug=slug,
        state=state,
        words=q.replace("\0", ""),
        page=page,
        now=call.now,
    )
    return models.Participants(
        items=[_participant(row) for row in found.rows],
        **call.place(found.pages),
    )


def admit(call: Organising, slug: Slug, person_id: PersonId) -> models.Decision:
    """Let somebody take part who has asked. Doing it again changes nothing."""
    return _decide(call, slug, person_id, admits=True)


def decline(call: Organising, slug: Slug, person_id: PersonId) -> models.Decision:
    """Decline somebody who has asked; they can still be admitted later."""
    return _decide(call, slug, person_id, admits=False)


def admit_team(
    call: Organising, slug: Slug, wanted: models.AdmissionWanted
) -> models.AdmissionWanted:
    """Admit a team to a phase that asks for the organisers' hand, or take that back. Doing it again changes nothing."""
    call.write(
        admissions.decide,
        actor=call.actor,
        slug=slug,
        phase_slug=wanted.phase,
        team_id=wanted.team,
        admits=wanted.admitted,
        now=call.now,
    )
    return wanted


def remove(
    call: Organising, slug: Slug, person_id: PersonId, wanted: models.RemovalWanted
) -> models.Decision:
    """Remove somebody who takes part; they may join or ask again. Doing it again changes nothing."""
    call.write(
        expulsion.remove,
        actor=call.actor,
        slug=slug,
        person_id=person_id,
        reason=wanted.reason,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    return models.Decision(id=person_id, state=ParticipationState.REMOVED)


def ban(
    call: Organising, slug: Slug, person_id: PersonId, wanted: models.BanWanted
) -> models.Decision:
    """Let somebody neither join nor submit until the ban is lifted."""
    call.write(
        expulsion.ban,
        actor=call.actor,
        slug=slug,
        person_id=person_id,
        reason=wanted.reason,
        contact=wanted.contact,
        mark=wanted.mark,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    return models.Decision(id=person_id, state=ParticipationState.BANNED)


def lift_ban(call: Organising, slug: Slug, person_id: PersonId) -> models.Decision:
    """Take a ban back: the person is as far with taking part as before."""
    state = call.write(
        expulsion.lift, actor=call.actor, slug=slug, person_id=person_id, now=call.now
    )
    return models.Decision(id=person_id, state=state)


def _decide(call: Call, slug: str, person_id: str, *, admits: bool) -> models.Decision:
    call.write(
        joining.decide,
        actor=call.actor,
        slug=slug,
        person_id=person_id,
        admits=admits,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    state = ParticipationState.ADMITTED if admits else ParticipationState.DECLINED
    return models.Decision(id=person_id, state=state)


def _participant(row: ListedPerson) -> models.Participant:
    return models.Participant(
        id=row.person_id,
        name=row.name,
        verified_name=row.login.name or None,
        affiliation=list(row.login.affiliation),
        identity_provider=row.login.identity_provider or None,
        login=row.login.issuer or None,
        state=row.state,
        note=row.note,
        reason=row.reason,
        team=row.team or None,
        asked_at=row.asked_at,
        decided_at=row.decided_at,
    )


def _team(row: ListedTeam) -> models.Team:
    return models.Team(
        id=row.id,
        name=row.name,
        members=[
            models.Member(id=member.person_id, name=member.name, joined_at=member.joined_at)
            for member in row.members
        ],
        submissions=row.submissions,
        created_at=row.created_at,
    )
