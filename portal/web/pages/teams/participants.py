"""Who takes part, for organisers: requests, teams, hints."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, ParticipantError
from portal.services.teams import joining, participant_views
from portal.web.errors import status_of
from portal.web.request_context import Fields, PageRequest


def show(request: PageRequest) -> Response:
    """Show who takes part and who wants to."""
    return _page(request, "")


def admit(request: PageRequest, fields: Fields) -> Response:
    """Let somebody take part."""
    del fields
    return _decide(request, admits=True)


def decline(request: PageRequest, fields: Fields) -> Response:
    """Decline somebody."""
    del fields
    return _decide(request, admits=False)


def _decide(request: PageRequest, *, admits: bool) -> Response:
    try:
        request.write(
            joining.decide,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=request.path_param("person"),
            admits=admits,
            now=request.now,
            by_mail=request.context.sends_mail,
        )
    except NotFoundError:
        raise
    except ParticipantError as error:
        return _page(request, error.message, status_of(error))
    return request.redirect(f"/challenges/{request.path_param('slug')}/participants")


def _page(request: PageRequest, problem: str, status: int = 200) -> Response:
    view = request.read(
        participant_views.participants_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page(
        "teams/participants.html",
        status=status,
        view=view,
        frame=view.frame,
        problem=problem,
        providers={one.issuer: one.title for one in request.context.providers},
    )
