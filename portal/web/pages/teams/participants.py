"""Who takes part, for organisers: requests, teams, hints."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import joining, participant_views
from portal.web.errors import status_of
from portal.web.request_context import Fields, Visit


def show(visit: Visit) -> Response:
    """Show who takes part and who wants to."""
    return _page(visit, "")


def admit(visit: Visit, fields: Fields) -> Response:
    """Let somebody take part."""
    del fields
    return _decide(visit, admits=True)


def decline(visit: Visit, fields: Fields) -> Response:
    """Decline somebody."""
    del fields
    return _decide(visit, admits=False)


def _decide(visit: Visit, *, admits: bool) -> Response:
    try:
        visit.write(
            joining.decide,
            actor=visit.actor,
            slug=visit.part("slug"),
            person_id=visit.part("person"),
            admits=admits,
            now=visit.now,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(visit, error.sentence, status_of(error))
    return visit.to(f"/challenges/{visit.part('slug')}/participants")


def _page(visit: Visit, problem: str, status: int = 200) -> Response:
    view = visit.read(
        participant_views.participants_page,
        actor=visit.actor,
        slug=visit.part("slug"),
        page=visit.page_number(),
        now=visit.now,
    )
    return visit.page(
        "teams/participants.html", status=status, view=view, frame=view.frame, problem=problem
    )
