"""How much the answers of a challenge could carry, for organisers."""

from starlette.responses import Response

from portal.services.leaderboards import leakage
from portal.web.request_context import Visit


def show(visit: Visit) -> Response:
    """Show the upper bounds of each phase."""
    view = visit.read(
        leakage.leak_page,
        actor=visit.actor,
        slug=visit.part("slug"),
        resources=visit.context.resources,
        now=visit.now,
    )
    return visit.page("leaderboards/leakage.html", view=view, frame=view.frame)
