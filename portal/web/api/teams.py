"""What organisers see of those who take part, for programs."""

from portal.domain.errors import NotFoundError
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import joining, participation_lists, team_lists
from portal.services.teams.participation_lists import ListedPerson
from portal.services.teams.team_lists import ListedTeam
from portal.web.api import models
from portal.web.api.calls import Call


def teams(call: Call) -> models.Teams:
    """List the teams."""
    found = call.read(
        team_lists.team_list,
        actor=call.actor,
        slug=call.path_param("slug"),
        page=call.page_number(),
        now=call.now,
    )
    return models.Teams(
        items=[_team(row) for row in found.rows],
        page=found.pages.number,
        pages=found.pages.pages,
        total=found.pages.total,
        next=call.next_page(found.pages.number, found.pages.pages),
    )


def participants(call: Call) -> models.Participants:
    """List who takes part and who wants to."""
    found = call.read(
        participation_lists.participation_list,
        actor=call.actor,
        slug=call.path_param("slug"),
        state=_state(call),
        page=call.page_number(),
        now=call.now,
    )
    return models.Participants(
        items=[_participant(row) for row in found.rows],
        page=found.pages.number,
        pages=found.pages.pages,
        total=found.pages.total,
        next=call.next_page(found.pages.number, found.pages.pages),
    )


def admit(call: Call) -> models.Decision:
    """Let somebody take part."""
    return _decide(call, admits=True)


def decline(call: Call) -> models.Decision:
    """Decline somebody."""
    return _decide(call, admits=False)


def _decide(call: Call, *, admits: bool) -> models.Decision:
    person_id = call.path_param("person")
    call.write(
        joining.decide,
        actor=call.actor,
        slug=call.path_param("slug"),
        person_id=person_id,
        admits=admits,
        now=call.now,
    )
    state = ParticipationState.ADMITTED if admits else ParticipationState.DECLINED
    return models.Decision(id=person_id, state=state)


def _state(call: Call) -> ParticipationState | None:
    wish = call.http.query_params.get("state")
    try:
        return ParticipationState(wish) if wish is not None else None
    except ValueError as error:
        raise NotFoundError from error


def _participant(row: ListedPerson) -> models.Participant:
    return models.Participant(
        id=row.person_id,
        name=row.name,
        state=row.state,
        note=row.note,
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
