"""How much the answers of a challenge could carry, for organisers."""

from starlette.responses import Response

from portal.services.leaderboards import leakage
from portal.web.request_context import PageRequest


def show(request: PageRequest) -> Response:
    """Show the upper bounds of each phase."""
    view = request.read(
        leakage.leak_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        resources=request.context.resources,
        now=request.now,
    )
    return request.page("leaderboards/leakage.html", view=view, frame=view.frame)
