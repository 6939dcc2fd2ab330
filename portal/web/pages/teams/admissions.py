"""Letting teams into phases that ask for the organisers' hand."""

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.teams import admissions
from portal.web.local_paths import with_query
from portal.web.request_context import Fields, PageRequest


def show(request: PageRequest) -> Response:
    """Show the teams, and which are admitted."""
    return _page(request, "", request.http.query_params.get("phase", ""))


def decide(request: PageRequest, fields: Fields) -> Response:
    """Admit a team or take that back, or show the page again with what is wrong."""
    phase = fields.get("phase", "")
    try:
        request.write(
            admissions.decide,
            actor=request.actor,
            slug=request.path_param("slug"),
            phase_slug=phase,
            team_id=fields.get("team", ""),
            admits=fields.get("do") != "take-back",
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, refusal.message, "", status=422)
    address = f"/challenges/{request.path_param('slug')}/admissions"
    return request.redirect(with_query(address, phase=phase))


def _page(request: PageRequest, problem: str, phase: str, *, status: int = 200) -> Response:
    view = request.read(
        admissions.admissions_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        phase_slug=phase,
        page=request.page_number() if request.http.method == "GET" else 1,
        now=request.now,
    )
    return request.page(
        "teams/admissions.html", status=status, view=view, frame=view.frame, problem=problem
    )
